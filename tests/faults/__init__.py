"""Everything that a disk, a kernel or a killer can do to a ledger, by the thousand: `python -m tests.faults --help`."""
