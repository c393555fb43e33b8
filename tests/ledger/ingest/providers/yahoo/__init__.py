"""Tests of ledger/ingest/providers/yahoo."""
