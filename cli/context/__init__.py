"""What a command works with: parsed parameters, the ledger and series that it reads, remembered heads."""
