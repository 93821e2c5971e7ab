"""A training or a race as it runs."""
