"""A reference model in plain Python, and random operations held to it."""
