"""Commands that say how things stand: metrics, logs, health, settings."""
