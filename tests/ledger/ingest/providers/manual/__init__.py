"""Tests of ledger/ingest/providers/manual."""
