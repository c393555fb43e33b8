"""Commands that strangers can check by: keys, signed checkpoints, proofs."""
