"""Tests of ledger/ingest/providers/sample."""
