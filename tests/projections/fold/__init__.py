"""Tests of projections/fold."""
