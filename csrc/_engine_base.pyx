"""The engine for any machine; flags are in setup.py."""

include "engine.pxi"
