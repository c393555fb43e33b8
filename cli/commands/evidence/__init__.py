"""Commands that explain: events, provenance, rules and their findings."""
