"""Junk thrown at the command line, at answers and at small files: an error of ours or a result, and nothing else."""
