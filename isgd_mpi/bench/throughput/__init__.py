"""Scored examples a second, beside the matrix products alone."""
