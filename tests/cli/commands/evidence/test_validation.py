"""What the rules said, decision by decision."""

from pathlib import Path

import msgspec
import pytest

from tests.cli.retelling import (
    FIRST_DECISION,
    LATE,
    NOW,
    SECOND_DECISION,
    THEN,
    TICKER,
    WINDOW,
    WITHDRAWN,
    look,
    objects,
)
from tests.support.retold import Retold
from tests.support.sample_ledger import ITUB4
from tests.support.sample_ledger import look as look_at_sample
from tests.support.yahoo_series import Series, correct, make_series

VALIDATION = ("validation", "--ticker", "petr4")


def test_decisions_come_newest_last(retold: Path) -> None:
    """With what each accepted, withdrew and warned of."""
    first, second = objects(*VALIDATION, cwd=retold)
    assert [FIRST_DECISION, SECOND_DECISION] == [first["seq"], second["seq"]]
    assert ([{"rule": "GAP", "date": str(LATE), "detail": "got no bar, want one for the session"}], []) == (
        first["warned"],
        first["withdrawn"],
    )
    assert (1, [str(WITHDRAWN)], "warning") == (second["added"], second["withdrawn"], second["verdict"])
    assert second["accepted"] == second["added"] + second["revised"] + second["unchanged"]


def test_the_newest_decision_gives_the_exit_code(retold: Path) -> None:
    """0 where all was accepted, 1 with a withdrawal; a limit counts from the newest."""
    assert 1 == look(*VALIDATION, cwd=retold).code
    (newest,) = objects(*VALIDATION, "--limit", "1", cwd=retold)
    assert SECOND_DECISION == newest["seq"]


def test_one_job_can_be_asked_for(retold: Path) -> None:
    """By the id that logs and events print."""
    first, _ = objects(*VALIDATION, cwd=retold)
    result = look(*VALIDATION, "--job", first["job_id"], "--limit", "1", "--format", "json", cwd=retold)
    assert (0, [first]) == (result.code, result.lines())
    nobody = look(*VALIDATION, "--job", "0" * 32, cwd=retold)
    assert (3, "error: got no decision over PETR4.SA of that job, want at least one") == (
        nobody.code,
        nobody.err.splitlines()[0],
    )


def test_rules_are_counted_and_each_row_is_named(sample: Path) -> None:
    """In text a line a rule, then a line a row; in CSV a line an outcome."""
    (decision,) = look_at_sample("validation", "--ticker", ITUB4, "--format", "json", cwd=sample).lines()
    rejected = sum(count["rows"] for count in decision["rules"] if count["outcome"] == "rejected")
    assert (4, 4) == (rejected, len(decision["rejected"]))
    findings = len(decision["rejected"]) + len(decision["flagged"]) + len(decision["warned"])
    lines = look_at_sample("validation", "--ticker", ITUB4, cwd=sample).out.splitlines()
    assert 1 + len(decision["rules"]) + findings == len(lines)
    head, accepted, *rows = look_at_sample(
        "validation", "--ticker", ITUB4, "--format", "csv", cwd=sample
    ).out.splitlines()
    assert "seq,recorded_at,job_id,ticker,provider,verdict,outcome,rule,date,detail" == head
    assert accepted.endswith(",warning,accepted,,,500 of 504 rows")
    assert findings == len(rows)


def of_another_currency(series: Series) -> Series:
    """Return the series in dollars."""
    return msgspec.structs.replace(series, currency="USD")


def test_a_ticker_that_was_rejected_whole_is_reported(tmp_path: Path) -> None:
    """Though it has no series."""
    ledger = Retold(tmp_path, began=THEN)
    ledger.tell(TICKER, of_another_currency(make_series([WINDOW.start, WINDOW.end])), WINDOW, THEN)
    result = look(*VALIDATION, "--format", "json", cwd=tmp_path)
    (decision,) = result.lines()
    assert (2, "rejected", [None]) == (
        result.code,
        decision["verdict"],
        [found["date"] for found in decision["rejected"]],
    )


@pytest.mark.parametrize(("hour", "partial"), [(12, ["2026-02-13"]), (22, [])])
def test_a_session_that_was_not_final_is_listed_apart(hour: int, partial: list[str], tmp_path: Path) -> None:
    """Neither accepted nor rejected."""
    ledger = Retold(tmp_path, began=THEN)
    window = msgspec.structs.replace(WINDOW, end=NOW.date())
    days = [WINDOW.start, NOW.date()]
    ledger.tell(TICKER, correct(make_series(days), days[0], volume=1), window, NOW.replace(hour=hour))
    (decision,) = objects(*VALIDATION, cwd=tmp_path)
    assert partial == decision["partial"]
