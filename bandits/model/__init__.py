"""The engine seen from Python."""
