"""What strangers check: the Merkle tree over the log, signed checkpoints of it, its tiles, and proofs."""
