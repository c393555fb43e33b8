"""Tests of projections/models."""
