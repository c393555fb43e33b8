"""The read side: folds over the log."""
