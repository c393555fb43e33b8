"""Commands that report the state of things: metrics, logs, health, settings."""
