"""Tests of cli/commands/ingest."""
