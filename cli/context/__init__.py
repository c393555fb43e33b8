"""What a command is given: parsed parameters, and the ledger that it reads."""
