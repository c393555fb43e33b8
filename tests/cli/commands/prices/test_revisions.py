"""A series told twice: what changed is told apart, with the positions between which it did."""

from pathlib import Path

import pytest

from ledger.ingest.rules.catalogue import SCALE_TOLERANCE
from tests.cli import retelling
from tests.cli.retelling import (
    CORRECTED,
    DAYS,
    FIRST_DECISION,
    LATE,
    NEW_CLOSE,
    OLD_CLOSE,
    PAID,
    SECOND_DECISION,
    TICKER,
    WITHDRAWN,
    close_of,
    objects,
)


def test_the_four_causes_are_told_apart(retold: Path) -> None:
    """A late session, one correction, one withdrawal, and a dividend through every older adjusted close."""
    found = {(row["date"], row["field"]): row["cause"] for row in objects("revisions", cwd=retold)}
    rescaled = {(str(day), "adj_close"): "rescale" for day in DAYS if day < PAID and day not in {LATE, WITHDRAWN}}
    assert found == {
        **rescaled,
        (str(CORRECTED), "close"): "correction",
        (str(CORRECTED), "high"): "correction",
        (str(WITHDRAWN), "close"): "withdrawn",
        (str(LATE), "close"): "first",
    }


def test_a_revision_is_printed_whole(retold: Path) -> None:
    """Values in reais, and both decisions with the times at which they were recorded."""
    (row,) = [
        row for row in objects("revisions", cwd=retold) if (row["date"], row["field"]) == (str(CORRECTED), "close")
    ]
    assert row == {
        "ticker": TICKER,
        "date": str(CORRECTED),
        "field": "close",
        "old": OLD_CLOSE,
        "new": NEW_CLOSE,
        "change": pytest.approx(NEW_CLOSE / OLD_CLOSE - 1, rel=1e-12),
        "cause": "correction",
        "late": False,
        "seq": SECOND_DECISION,
        "learned_at": "2026-02-13T12:00:00.000000Z",
        "old_seq": FIRST_DECISION,
        "old_learned_at": "2026-02-12T22:00:00.000000Z",
        "provider": "yfinance",
    }


def test_first_bars_on_time_are_told_when_asked_for(retold: Path) -> None:
    """Only the session that had been asked for in vain is late."""
    found = [row for row in objects("revisions", "--all", "--ticker", "petr4", cwd=retold) if row["cause"] == "first"]
    assert {str(day) for day in DAYS} == {row["date"] for row in found}
    assert [str(LATE)] == [row["date"] for row in found if row["late"]]


@pytest.mark.parametrize(
    ("since", "seqs"),
    [
        ("2026-02-12", {FIRST_DECISION, SECOND_DECISION}),
        ("2026-02-13", {SECOND_DECISION}),
        ("2026-02-13T12:00:00Z", {SECOND_DECISION}),
        ("2026-02-13T12:00:01Z", set()),
    ],
)
def test_since_bounds_when_it_was_learned(retold: Path, since: str, seqs: set[int]) -> None:
    """Inclusive, by UTC day or by time."""
    assert seqs == {row["seq"] for row in objects("revisions", "--all", "--since", since, cwd=retold)}


def test_in_text_a_rescale_is_one_line(retold: Path) -> None:
    """With its first and last session and its factor; the others have a line each."""
    lines = retelling.look("revisions", cwd=retold).out.splitlines()
    factor = 1 - 0.75 / close_of(retelling.after(), DAYS[DAYS.index(PAID) - 1])
    (rescale,) = [line for line in lines if "rescale" in line]
    sessions = sum(day < PAID for day in DAYS) - 2
    assert (5, f"{sessions} sessions by {factor:.6f}") == (len(lines), rescale.partition("adj_close  ")[2])
    assert factor < 1 - SCALE_TOLERANCE
    assert [line for line in lines if f"first, late  {LATE}  close      - -> " in line]


def test_without_a_series_there_is_nothing_to_tell(retold: Path) -> None:
    """A ticker that is not held, or a provider that has none of it."""
    for args, message in (
        (["--ticker", "VALE3"], "got no series of VALE3.SA, want one that was ingested"),
        (["--source", "cotahist"], "got no series of any ticker from cotahist, want one from yfinance"),
    ):
        result = retelling.look("revisions", *args, cwd=retold)
        assert (3, "", f"error: {message}") == (result.code, result.out, result.err.splitlines()[0])
