"""Wall-clock time to a training loss, beside uniform SGD."""
