"""`main events`."""
