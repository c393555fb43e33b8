"""Tests of projections/report."""
