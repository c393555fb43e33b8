"""Tests of projections/store."""
