"""Tests of projections/relations."""
