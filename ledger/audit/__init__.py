"""Verification of a log: re-hash it, compare its head with its witnesses, record the decision to accept a head."""
