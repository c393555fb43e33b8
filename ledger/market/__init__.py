"""Facts of the exchange: tickers, the session calendar, canonical prices. Pure."""
