"""Health and metrics say what no checkpoint covers yet."""

from pathlib import Path

from tests.support.sample_ledger import look, make_more


def test_health(signed: Path) -> None:
    """When the newest checkpoint was signed, and how many events came since; its own is one of them."""
    make_more(signed)
    (row,) = look("health", "--format", "json", cwd=signed).lines()
    assert ("2026-02-13T23:00:00Z", 4) == (row["last_checkpoint"], row["uncovered_events"])
    assert "  last checkpoint 2026-02-13T23:00:00Z (0s ago), 4 events since\n" in look("health", cwd=signed).out


def test_prometheus(signed: Path) -> None:
    """As gauges, so that a rule can watch them."""
    found = look("metrics", "--format", "prometheus", cwd=signed).out.splitlines()
    assert "b3ledger_checkpoint_uncovered_events 1.0" in found
    assert [line for line in found if line.startswith("b3ledger_checkpoint_last_success_timestamp_seconds 1.77")]
