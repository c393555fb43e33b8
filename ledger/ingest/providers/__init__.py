"""Where daily bars come from: the port and its implementations."""
