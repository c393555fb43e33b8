"""Tests of cli/context."""
