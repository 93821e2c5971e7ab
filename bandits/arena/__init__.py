"""The game's one facade."""
