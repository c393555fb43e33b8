"""Tests of ledger/checkpoint/outside."""
