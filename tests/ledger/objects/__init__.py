"""Tests of ledger/objects."""
