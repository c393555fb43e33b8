"""The public Python API: a ledger, its rows, and their tables for pandas, Polars and Arrow."""
