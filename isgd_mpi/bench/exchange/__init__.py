"""Ways to move parameters and scores, and what they take of the trainer."""
