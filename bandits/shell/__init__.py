"""One run of bandits, and cmd2 made strict."""
