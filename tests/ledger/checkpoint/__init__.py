"""Tests of ledger/checkpoint."""
