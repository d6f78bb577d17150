"""What a run leaves behind: its log, metrics, checkpoints, summary and environment."""
