"""Optional packages are asked for by name."""

import traceback

import msgspec
import pytest

from projections.api.extras import MissingExtraError, load


def test_a_package_that_is_there_is_imported() -> None:
    """Its submodules too."""
    assert msgspec.json is load("msgspec.json", extra="x")


def test_a_package_that_is_missing_names_the_extra_that_brings_it() -> None:
    """By its top name."""
    with pytest.raises(MissingExtraError, match="got no package no_such_package, want it installed") as caught:
        load("no_such_package.part", extra="parquet")
    assert ("no_such_package", "parquet") == (caught.value.module, caught.value.extra)


def test_a_notebook_shows_how_to_install_it() -> None:
    """As a note under the error, which a command prints as its hint."""
    error = MissingExtraError("polars", extra="polars")
    assert [
        "projections.api.extras.MissingExtraError: got no package polars, want it installed\n",
        "hint: pip install 'b3-ledger[polars]'\n",
    ] == traceback.format_exception_only(error)
