"""Tests of ledger/ingest/providers/b3."""
