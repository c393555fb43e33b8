"""Questions to the evidence of a whole market: every field of a session, beyond what read models keep."""
