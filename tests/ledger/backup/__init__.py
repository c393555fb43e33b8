"""Tests of ledger/backup."""
