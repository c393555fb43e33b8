"""Tests of cli/app."""
