"""Memory of each rank and the trainer's time, with a large training set."""
