"""Real parts for tests: servers, ledgers, subprocesses."""
