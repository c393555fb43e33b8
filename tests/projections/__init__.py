"""The read side: tables, folds, and what keeps them up with the log."""
