"""The ledger as relations for engines, as of one position: columns made many rows at a time, and SQL over them."""
