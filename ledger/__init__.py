"""The write side: the log and all that appends to it."""
