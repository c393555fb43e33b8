"""Copies of the log: the archive format, making, checking, restoring and salvaging them."""
