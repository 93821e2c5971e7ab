"""An agent: at work, at rest, and how it came about."""
