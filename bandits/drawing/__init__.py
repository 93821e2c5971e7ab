"""Pictures in matplotlib."""
