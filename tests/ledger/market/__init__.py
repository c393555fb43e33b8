"""Tests of ledger/market."""
