"""Commands that say why: events, provenance, rules and what they found."""
