"""The papers' experiments: what they are, how they are run, and what is left of each run."""
