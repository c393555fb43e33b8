"""Tests of projections/actions."""
