"""Scoring in bfloat16: what multiplies, and the model that is made of it."""
