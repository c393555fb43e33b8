"""Tests of cli/commands/trust."""
