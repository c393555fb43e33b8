"""Questions to the read models: history, gaps, revisions, provenance, snapshots."""
