"""Tests of fetch, validate, append."""
