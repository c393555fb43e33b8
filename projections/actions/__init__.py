"""Corporate actions as several providers tell of them, and what of that counts."""
