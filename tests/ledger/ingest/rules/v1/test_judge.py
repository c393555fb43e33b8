"""The frozen judge decides what version 0.1.0 decided, over the evidence that version 0.1.0 recorded."""

from datetime import date

import msgspec
import pytest

from ledger.audit.series_fold import SeriesFold, series_decision
from ledger.backup.archive_log import archive_log
from ledger.codec import decode_envelope, decode_event
from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.files.scratch import ScratchMap
from ledger.ingest.providers import registry
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.v1 import judge
from ledger.ingest.rules.v1.actions import Action1
from ledger.market.series import Series
from ledger.values import Action, Finding
from tests.ledger.ingest.answers import evidence, ids, raw, run_of, session
from tests.support.cli import REPOSITORY

OLD = REPOSITORY / "tests" / "vectors" / "ledger-0.1.0" / "ledger.db"
NOBODY = Held({})


def decisions() -> list[tuple[FetchSucceeded, Held, ValidationCompleted]]:
    """Return the evidence of each decision of the old ledger, what was held then, and the decision."""
    fold, events, found = SeriesFold(ScratchMap()), dict[int, object](), []
    for record in archive_log(OLD).read():
        envelope = decode_envelope(record.seq, record.body)
        events[record.seq] = event = decode_event(envelope)
        decided = series_decision(envelope)
        if decided is None or not isinstance(event, ValidationCompleted) or envelope.cause is None:
            continue
        series = Series(decided.ticker, decided.provider)
        held = fold.held(series)
        bars = {bar.date: bar for year in sorted(held.years) for bar in fold.bars(series, year)}
        fetch = events[envelope.cause]
        assert isinstance(fetch, FetchSucceeded)
        found.append((fetch, Held(bars, held.actions, held.basis), event))
        fold.apply(record.seq, decided, committing=False)
    return found


def judged(fetch: FetchSucceeded, held: Held, threshold_percent: float = 10) -> ValidationCompleted:
    """Return what the frozen judge makes of a fetch."""
    provider = registry.described(fetch.provider)
    rows = () if provider.brought_by_hand else registry.reading(fetch).rows
    return judge.judge(fetch, held, basis=provider.basis, body_rows=rows, threshold_percent=threshold_percent)


def test_it_decides_what_was_decided() -> None:
    """Whole decisions: first answers, corrections, a split, dividends, rejected rows, a file of the exchange."""
    found = decisions()
    assert {"success", "warning"} < {decision.verdict for _, _, decision in found}
    assert [decision for _, _, decision in found] == [
        judged(fetch, held, judge.threshold_of(decision)) for fetch, held, decision in found
    ]


@pytest.mark.parametrize(
    ("detail", "percent"),
    [
        ("got 9 of 40 rows rejected, want at most 12.5 % of 40", 12.5),
        ("got all 3 final rows rejected, want some left", 100),
    ],
)
def test_the_threshold_is_read_from_the_finding(detail: str, percent: float) -> None:
    """That version did not record it: a decision that rejects by it names it."""
    decision = msgspec.structs.replace(decisions()[0][2], rejected=(Finding("THRESHOLD", None, detail),))
    assert percent == judge.threshold_of(decision)


def test_a_step_is_a_jump_and_a_split_suspect() -> None:
    """As the rules were then: no action explains it."""
    fetch = evidence(run_of([30.0, 30.1, 15.0, 15.1]))
    found = judge.judge(fetch, NOBODY, basis="split_adjusted", body_rows=(), threshold_percent=10)
    assert [("JUMP", session(2)), ("SPLIT_SUSPECT", session(2))] == ids(found.flagged)


def test_bad_rows_reject_the_answer() -> None:
    """Over the threshold, and never a row outside the window: that rule is younger."""
    rows = [*run_of([30.0] * 3), raw(session(3), -1.0), raw(session(4), -1.0), raw(session(5), -1.0)]
    found = judge.judge(evidence(rows), NOBODY, basis="split_adjusted", body_rows=(), threshold_percent=10)
    assert ("rejected", "THRESHOLD") == (found.verdict, found.rejected[0].rule)
    assert 10 == judge.threshold_of(found)


def test_a_scale_that_moved_is_set_aside() -> None:
    """The overlap at half of what is held."""
    whole = judge.judge(
        evidence(run_of([30.0, 30.5, 31.0, 31.5])), NOBODY, basis="split_adjusted", body_rows=(), threshold_percent=10
    )
    held = Held({bar.date: bar for bar in whole.bars})
    narrow = evidence(run_of([15.5, 15.75], first=2))
    found = judge.judge(narrow, held, basis="split_adjusted", body_rows=(), threshold_percent=10)
    assert "superseded" == found.verdict


@pytest.mark.parametrize(
    "action",
    [
        Action(date(2026, 3, 2), "dividend", 350_000_000_000, None, None, "BRL"),
        Action(date(2026, 3, 2), "split", None, 2, 1, "BRL"),
    ],
)
def test_an_action_comes_back_as_it_was_lifted(action: Action) -> None:
    """From its own terms to the next version's and back."""
    assert action == Action1.of(action).lifted()
