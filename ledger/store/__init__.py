"""The log on disk: the LMDB engine, its locks, the anchor, and the folders that hold a ledger."""
