"""Proof of a log: re-hash it, hold it against its witnesses, record a person's decision to accept a head."""
