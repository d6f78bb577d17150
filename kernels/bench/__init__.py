"""``python -m kernels.bench``: each kernel beside its NumPy twin and the machine's measured limits."""
