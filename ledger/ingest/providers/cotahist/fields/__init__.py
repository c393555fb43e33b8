"""Every field of the sessions in a recorded answer, one by one and as columns."""
