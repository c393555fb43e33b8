"""Tests of ledger/ingest/providers/cotahist/fields."""
