"""Tests of cli/commands/market."""
