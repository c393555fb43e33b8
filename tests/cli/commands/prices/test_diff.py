"""Two positions of one series."""

from pathlib import Path

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
    look,
    objects,
)

BOTH = ("diff", "--ticker", "petr4", "--from", str(FIRST_DECISION), "--to", str(SECOND_DECISION))


def test_what_differs_is_printed_field_by_field(retold: Path) -> None:
    """A session of one side only by its close; one that was withdrawn stays held, so it does not differ."""
    rows = objects(*BOTH, cwd=retold)
    adjusted = [(str(day), "adj_close") for day in DAYS if day < PAID and day not in {LATE, WITHDRAWN}]
    others = [(str(CORRECTED), "close"), (str(CORRECTED), "high"), (str(LATE), "close")]
    assert sorted(adjusted + others) == sorted((row["date"], row["field"]) for row in rows)
    (corrected,) = [row for row in rows if (row["date"], row["field"]) == (str(CORRECTED), "close")]
    assert corrected == {
        "ticker": TICKER,
        "date": str(CORRECTED),
        "field": "close",
        "old": OLD_CLOSE,
        "new": NEW_CLOSE,
        "change": NEW_CLOSE / OLD_CLOSE - 1,
        "provider": "yfinance",
    }


def test_the_other_way_round_old_and_new_change_places(retold: Path) -> None:
    """Time may be walked backwards."""
    there = {(row["date"], row["field"]): (row["old"], row["new"]) for row in objects(*BOTH, cwd=retold)}
    back = objects("diff", "--ticker", "petr4", "--from", "5", "--to", "2", cwd=retold)
    assert there == {(row["date"], row["field"]): (row["new"], row["old"]) for row in back}


def test_exit_codes_say_whether_they_differ(retold: Path) -> None:
    """0 alike, 1 not, 3 where nothing was held yet."""
    alike = look("diff", "--ticker", "petr4", "--from", "5", "--to", "2030-01-01", cwd=retold)
    nothing = look("diff", "--ticker", "petr4", "--from", "0", "--to", "1", cwd=retold)
    assert (1, 0, "", 3) == (look(*BOTH, cwd=retold).code, alike.code, alike.out, nothing.code)
    assert nothing.err.startswith("error: got no session of PETR4.SA at either position, want at least one\n")
