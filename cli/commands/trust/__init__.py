"""Commands that prove and keep: verify, snapshots, backups, salvage, rebuild."""
