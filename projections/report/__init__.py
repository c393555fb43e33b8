"""The facts of a report: what the ledger is, holds and went through, as of one position."""
