"""An optional feature, to be skipped on first reading: a small model predicts each example's loss."""
