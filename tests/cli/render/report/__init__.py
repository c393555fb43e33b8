"""Tests of cli/render/report."""
