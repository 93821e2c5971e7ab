"""The engine for x86-64 with AVX2; flags are in setup.py."""

include "engine.pxi"
