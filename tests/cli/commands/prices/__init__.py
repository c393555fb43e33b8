"""Tests of cli/commands/prices."""
