"""Read models on disk: the LMDB store, catching it up, rebuilding it."""
