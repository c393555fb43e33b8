"""`kill -9` at random instants, round after round: `python -m tests.kills --help`; the short form runs in the suite."""
