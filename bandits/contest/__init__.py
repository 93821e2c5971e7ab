"""What decides who is better."""
