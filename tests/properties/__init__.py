"""Properties of the whole, under hypothesis: what holds whatever is done in whatever order."""
