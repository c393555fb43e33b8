"""`main validation`."""
