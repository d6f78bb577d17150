"""The two loops, trainer and scorer, and what they call."""
