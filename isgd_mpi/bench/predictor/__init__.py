"""Losses observed and predicted a second, and the products' share."""
