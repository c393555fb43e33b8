"""Providers, opened by the settings in force."""

from pathlib import Path

import pytest

from cli.app import settings
from cli.commands.ingest.run.options import RunOptions
from cli.commands.ingest.run.setup import prepared
from cli.context import providers
from ledger.ingest.providers import registry
from ledger.ingest.providers.port import Access, Provider
from tests.ledger.ingest.answers import TICKER
from tests.ledger.ingest.providers.conformance.benches import CSV_ENTRY


def test_a_provider_is_given_the_address_that_its_own_setting_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a cache folder of its own in the data folder; a provider without such a setting is given none."""
    given: list[tuple[str, Access]] = []
    monkeypatch.setattr(registry, "opened", lambda name, access: given.append((name, access)))
    in_force = settings.load(
        {"DATA_DIR": str(tmp_path), "YAHOO_BASE_URL": "http://127.0.0.1:1", "B3_BASE_URL": "http://127.0.0.1:2"}
    )
    for name in registry.live_names():
        providers.opened(name, in_force, now=lambda: 1)
    assert [
        ("yfinance", tmp_path / "cache" / "yfinance", "http://127.0.0.1:1"),
        ("sample", tmp_path / "cache" / "sample", None),
        ("b3", tmp_path / "cache" / "b3", "http://127.0.0.1:2"),
    ] == [(name, access.cache_dir, access.base_url) for name, access in given]


def asked(folder: Path, monkeypatch: pytest.MonkeyPatch, **options: object) -> Provider:
    """Return the provider that a run with these options asks."""
    monkeypatch.setattr(registry, "ENTRIES", (*registry.ENTRIES, CSV_ENTRY))
    in_force = settings.load({"DATA_DIR": str(folder)})
    with prepared(in_force, RunOptions(tickers=(TICKER,), **options)) as setup:
        return setup.provider


def test_a_run_asks_the_provider_that_it_was_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the list has, whoever that is."""
    provider = asked(tmp_path, monkeypatch, provider="csv-test", dry_run=True)
    assert "csv-test" == provider.name


def test_a_run_of_the_sample_asks_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else was asked for: no other provider's prices go into that ledger."""
    assert "sample" == asked(tmp_path, monkeypatch, provider="csv-test", no_network=True).name
