"""The scripts that make what is shipped or tested with."""
