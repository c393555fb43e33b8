"""Copies of the log in object stores: immutable segments, each written once."""
