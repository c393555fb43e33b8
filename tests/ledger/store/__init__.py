"""Tests of ledger/store."""
