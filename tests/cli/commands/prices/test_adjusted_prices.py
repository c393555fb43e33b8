"""Adjusted prices of a series whose provider tells of no actions, and of one that the provider rebased."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from ledger.codec import Draft
from ledger.events import ValidationCompleted
from ledger.ids import append_id
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.judge import judge
from ledger.store.event_log import EventLog
from ledger.values import RawAction, RawBar
from tests.ledger.ingest.answers import TICKER, evidence, raw, session
from tests.support.cli import Result, run_main
from tests.support.cotahist import line, made
from tests.support.drafts import JOB

NOW = {"B3_LEDGER_NOW": "2026-04-01T12:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}
DAYS = [session(number) for number in range(5)]
TRADED = [119, 120, 1020, 1010, 1000]  # centavos: ten shares became one on the third day


def told(log: EventLog, bars: Sequence[RawBar], actions: Sequence[RawAction]) -> None:
    """Record an answer of Yahoo's and its decision."""
    fetch = evidence(bars, actions)
    decision = judge(fetch, Held({}), basis="split_adjusted", exchange="SAO")
    assert isinstance(decision, ValidationCompleted)
    drafts = [
        Draft(job_id=JOB, stream=TICKER, event=fetch),
        Draft(job_id=JOB, stream=TICKER, event=decision, cause=log.head().size),
    ]
    log.append(drafts, append_id=append_id("told"))


def imported(folder: Path, closes: Sequence[int] = TRADED) -> None:
    """Import a file of these closes, in centavos."""
    lines = [line(day, close=close) for day, close in zip(DAYS, closes, strict=True)]
    made(folder / "A.TXT", lines, year=DAYS[0].year)
    assert run_main("import-cotahist", "A.TXT", "--clock-ok", cwd=folder, env=NOW).code in {0, 1}


def adjusted(folder: Path, source: str, *args: str) -> Result:
    """Return the adjusted prices of a source."""
    return run_main("prices", "PETR4", "--adjusted", "--source", source, "--format", "json", *args, cwd=folder, env=NOW)


def test_the_exchanges_prices_are_adjusted_by_what_another_provider_told(log: EventLog, tmp_path: Path) -> None:
    """A grouping of 10, and R$ 0.10 (of today's shares) before it: a centavo of the 1.19 that was traded then."""
    closes = [11.9, 12.0, 10.2, 10.1, 10.0]
    bars = [raw(day, close) for day, close in zip(DAYS, closes, strict=True)]
    told(log, bars, [RawAction(DAYS[2], "split", 0.1), RawAction(DAYS[1], "dividend", 0.119)])
    imported(tmp_path)
    found, own = adjusted(tmp_path, "cotahist"), adjusted(tmp_path, "yfinance")
    assert (0, 0) == (found.code, own.code)
    assert [row["adj_close"] for row in found.lines()] == pytest.approx([11.781, 12.0, 10.2, 10.1, 10.0], rel=1e-12)
    assert [row["adj_close"] for row in found.lines()] == pytest.approx(
        [row["adj_close"] for row in own.lines()], rel=1e-12
    )


def test_nothing_known_of_actions_is_exit_3_and_no_raw_price_in_an_adjusted_column(
    log: EventLog, tmp_path: Path
) -> None:
    """The exchange's file alone; an export has nulls there."""
    assert 1 == log.head().size
    imported(tmp_path)
    found = adjusted(tmp_path, "cotahist")
    message = "error: got no corporate actions to adjust PETR4.SA by, want some: main import-actions FILE"
    assert (3, True) == (found.code, found.err.splitlines()[0].startswith(message))
    run_main("export", "--out", "out", "--format", "csv", cwd=tmp_path, env=NOW)
    (exported,) = (tmp_path / "out" / "prices").rglob("*.csv")
    head, first = (text.split(",") for text in exported.read_text().splitlines()[:2])
    assert {""} == {value for name, value in zip(head, first, strict=True) if name.startswith(("adj_", "factor"))}


def test_sessions_from_before_anybody_was_asked_are_not_adjusted(log: EventLog, tmp_path: Path) -> None:
    """Yahoo was asked from the third day on: what was paid before that nobody knows."""
    told(log, [raw(day, 10.0) for day in DAYS[2:]], ())
    imported(tmp_path, [1000, 1000, 1000, 1001, 1000])
    found = adjusted(tmp_path, "cotahist")
    assert [None, None, 1.0, 1.0, 1.0] == [row["factor"] for row in found.lines()]
    assert f"2 sessions until {DAYS[1]} are not adjusted" in found.err


def rebased(level: float, *, wrong: int | None = None) -> list[RawBar]:
    """Return sessions whose adjusted closes are `level` times what the dividend on the third day makes of them."""
    bars = []
    for number, day in enumerate(DAYS):
        factor = 0.95 if number < 2 else 1.0
        adj_close = 10.0 * factor * level * (1.01 if number == wrong else 1.0)
        bars.append(msgspec.structs.replace(raw(day, 10.0), adj_close=adj_close))
    return bars


@pytest.mark.parametrize(("level", "wrong", "differing"), [(1.0, None, 0), (0.97, None, 0), (0.97, 1, 1), (1.0, 0, 1)])
def test_ratios_are_compared_and_not_levels(
    level: float, wrong: int | None, differing: int, log: EventLog, tmp_path: Path
) -> None:
    """A window that ends in the past is rebased to what was paid since: all closes by one ratio, none of them wrong."""
    told(log, rebased(level, wrong=wrong), [RawAction(DAYS[2], "dividend", 0.5)])
    found = adjusted(tmp_path, "yfinance")
    agreeing = [row["adj_agrees"] for row in found.lines()]
    assert [number != wrong for number in range(5)] == agreeing
    assert f"{differing} of 5 adjusted closes differ" in found.err
    assert (level != 1.0) is (f"all of which are {level:.6f} times ours" in found.err)
