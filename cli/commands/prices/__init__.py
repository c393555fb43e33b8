"""Commands that read prices: now, as known then, compared, exported, drawn."""
