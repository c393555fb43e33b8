"""Every command, in folders grouped as `main --help` groups them."""
