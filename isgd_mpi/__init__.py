"""Distributed importance sampling for SGD over MPI."""

__version__ = "0.1.0"
