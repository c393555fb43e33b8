"""What every fold is made of: tables, keys, the overlay over stored tables, digests."""
