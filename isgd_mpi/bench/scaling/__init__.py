"""Refreshes, staleness and variance gain, predicted up to 4 096 ranks."""
