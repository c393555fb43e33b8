"""Files that survive a crash: durable writes, atomic replacement, checksums, and the isolated child process."""
