"""The version of the package, in a module that every folder may import."""

__version__ = "0.1.0"
