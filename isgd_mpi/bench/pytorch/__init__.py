"""A trainer's step and scoring beside PyTorch's."""
