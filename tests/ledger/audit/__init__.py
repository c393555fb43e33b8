"""Tests of ledger/audit."""
