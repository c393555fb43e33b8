"""What others say of a checkpoint: authorities that date it."""
