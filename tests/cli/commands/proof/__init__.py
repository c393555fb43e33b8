"""Tests of cli/commands/proof."""
