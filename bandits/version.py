"""The version: read by the build, the shell and the pages."""

__version__ = "0.1.0"
