"""Backprop Bandits: The Gradient Arena.  Create, train, battle and optimise miniature GPTs.

The library: `GPTConfig`, `Settings`, `GPT`, `Dataset`, `Agent` and `Arena`.  The game: `bandits`.
"""

__version__ = "0.1.0"
