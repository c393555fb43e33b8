"""Measurements: `python -m tests.benchmarks`. Ratios to peers and to the bare C calls, in the same run."""
