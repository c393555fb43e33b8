"""The list of providers, and what is asked of it with nobody on the line."""

import subprocess
import sys
from pathlib import Path

import pytest

from ledger.errors import LedgerError
from ledger.ingest.providers import evidence, registry
from ledger.ingest.providers.port import Access, BodyError
from ledger.ingest.providers.registry import UnknownProviderError

ACCESS = Access(cache_dir=Path("nowhere"), now=lambda: 1)


def test_the_list_names_each_provider_once() -> None:
    """In the order of preference, of prices and of actions each; the sample is of another kind of ledger."""
    assert ("manual", "b3", "yfinance", "cotahist", "sample") == registry.names()
    assert ("yfinance", "cotahist") == registry.price_names("real")
    assert ("manual", "b3", "yfinance") == registry.action_names("real")
    assert ("yfinance", "sample", "b3") == registry.live_names()
    assert (("yfinance", "b3"), ("sample",)) == (registry.live_names("real"), registry.live_names("sample"))


def test_answers_that_a_person_brings_are_known_by_their_provider() -> None:
    """Nobody knows that of a provider that is not in the list."""
    assert ["manual", "cotahist"] == [
        name for name in (*registry.names(), "unheard-of") if registry.brought_by_hand(name)
    ]
    with pytest.raises(ValueError, match="got provider cotahist, want one of yfinance, sample"):
        registry.opened("cotahist", ACCESS)


def test_a_provider_that_is_not_in_the_list_is_an_error_of_the_ledger() -> None:
    """It may stand in a log that newer software wrote."""
    with pytest.raises(
        UnknownProviderError, match="got provider brapi, want one of manual, b3, yfinance, cotahist, sample"
    ):
        registry.rows("brapi", evidence.answer(b""))
    assert issubclass(UnknownProviderError, LedgerError)
    assert () == registry.lines("brapi", b"", registry.described("sample").recording.last_day)


@pytest.mark.parametrize("name", registry.names())
def test_a_body_in_another_format_is_refused_by_every_reader(name: str) -> None:
    """As one kind of error, whoever reads."""
    with pytest.raises(BodyError):
        registry.rows(name, evidence.answer(b"<html></html>"))


@pytest.mark.parametrize("name", registry.live_names())
def test_a_provider_is_opened_by_its_name(name: str) -> None:
    """It records under the name that it was asked for by."""
    assert name == registry.opened(name, ACCESS).name


def test_the_list_is_read_without_loading_any_provider() -> None:
    """Whatever a command asks of it, nobody's library and nobody's reader comes along."""
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "from ledger.ingest.providers import registry as r; r.names(); import sys; print(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    rooms = tuple(entry.partition(":")[0] + "." for entry in registry.ENTRIES)
    assert [] == [name for name in said if name.startswith((*rooms, "yfinance", "pandas", "curl_cffi"))]
