"""A job from its options to its results."""
