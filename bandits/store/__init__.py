"""The file arena.db."""
