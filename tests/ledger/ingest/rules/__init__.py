"""Tests of ledger/ingest/rules."""
