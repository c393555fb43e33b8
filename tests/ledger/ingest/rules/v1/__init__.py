"""Tests of the frozen judge of rules version 1."""
