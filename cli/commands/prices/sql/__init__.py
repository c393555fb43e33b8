"""`main sql`."""
