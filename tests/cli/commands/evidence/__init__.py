"""Tests of cli/commands/evidence."""
