"""Fetch, validate, append: how prices get into the log."""
