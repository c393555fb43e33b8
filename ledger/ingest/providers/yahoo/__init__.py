"""Yahoo Finance through yfinance: the wire, the chart body, the provider."""
