"""Tests of projections/api."""
