"""What became of a day in each decision over it, and the part of the answer that speaks of it."""

import hashlib
import zlib
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.codec import Draft
from ledger.errors import DamagedError
from ledger.events import ValidationCompleted
from ledger.ids import append_id
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.judge import superseded
from ledger.market.series import Series
from ledger.memory_log import MemoryLog
from ledger.values import Answer, Finding
from projections.fold.folding import replayed
from projections.models.prices import Prices
from projections.queries.provenance import Trace, traces
from tests.ledger.ingest.answers import TICKER, bar, evidence, raw, session

DAY = session(1)
ROW = raw(DAY, 10)
LINES = b"00COTAHIST\r\n012026030302PETR4\r\n012026030402PETR4\r\n"


class Told:
    """A log of evidence and decisions over it."""

    def __init__(self, provider: str = "yfinance") -> None:
        self.series = Series(TICKER, provider)
        self.log = MemoryLog(now=lambda: 1)

    def decided(self, body: bytes = b"{}", *, forged: bool = False, **fields: Any) -> None:
        """Append an answer with one row of the day, and a decision over it."""
        sha256 = hashlib.sha256(body + b"x" * forged).digest()
        answer = Answer(body=zlib.compress(body), body_bytes=len(body), sha256=sha256)
        fetch = replace(evidence([ROW]), provider=self.series.provider, answer=answer)
        decision = replace(superseded(fetch, Held({}), basis="split_adjusted"), **{"verdict": "success", **fields})
        cause = self._append(Draft(job_id=bytes(16), stream=TICKER, event=fetch))
        self._append(Draft(job_id=bytes(16), stream=TICKER, event=decision, cause=cause))

    def traces(self) -> list[Trace]:
        """Return what became of the day."""
        tables = replayed(self.log.read(), [Prices()])[1]["prices"]
        return list(traces(self.log, tables, self.series, DAY))

    def _append(self, draft: Draft) -> int:
        return self.log.append([draft], append_id=append_id(f"{self.log.head().size}")).first


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"bars": (bar(ROW),)}, "first"),
        ({"partial": (DAY,)}, "partial"),
        ({"rejected": (Finding("NONPOS", DAY, "got 0"),)}, "rejected"),
        ({"verdict": "rejected", "rejected": (Finding("IDENTITY", None, "got USD"),)}, "answer rejected"),
        ({"verdict": "superseded"}, "set aside"),
        ({}, "absent"),
    ],
)
def test_a_day_that_is_not_held_has_one_outcome(fields: dict[str, Any], outcome: str) -> None:
    """And the findings on it, or on the whole answer."""
    told = Told()
    told.decided(**fields)
    (trace,) = told.traces()
    assert (outcome, fields.get("rejected", ())) == (trace.outcome, tuple(finding for _, finding in trace.findings))
    assert (ROW, fields.get("bars", (None,))[0]) == (trace.handed, trace.bar)


@pytest.mark.parametrize(
    ("body", "fields", "outcome"),
    [
        (b"{}", {"bars": (bar(ROW),)}, "revised"),
        (b"{}", {"withdrawn": (DAY,)}, "withdrawn"),
        (LINES, {}, "unchanged"),
        (b"{}", {}, "absent"),
    ],
)
def test_a_day_that_is_held_has_another(body: bytes, fields: dict[str, Any], outcome: str) -> None:
    """It is unchanged only where the answer speaks of it."""
    told = Told("cotahist")
    told.decided(bars=(bar(ROW),))
    told.decided(body, **fields)
    assert ["first", outcome] == [trace.outcome for trace in told.traces()]


def test_fixed_width_answers_are_quoted_by_their_lines() -> None:
    """The trading day is in columns 3 to 10; other days and the header are left out."""
    told = Told("cotahist")
    told.decided(LINES, bars=(bar(ROW),))
    (trace,) = told.traces()
    assert (("012026030302PETR4",), ()) == (trace.raw_lines, trace.raw_rows)


def test_a_decision_over_other_days_is_no_trace() -> None:
    """Whatever its answer holds."""
    told = Told()
    told.decided(window=replace(evidence([ROW]).request.window, start=session(2), end=session(3)))
    assert [] == told.traces()


def test_an_answer_that_is_not_what_its_event_says_is_damage() -> None:
    """Rather than quoted."""
    told = Told()
    told.decided(forged=True)
    with pytest.raises(DamagedError, match="got answer at seq 0: other bytes, want 2 bytes with sha256"):
        told.traces()


def test_a_decision_without_its_evidence_is_damage() -> None:
    """The seq that it names holds something else."""
    told = Told()
    told.decided()
    decision = superseded(evidence([ROW]), Held({}), basis="split_adjusted")
    assert isinstance(decision, ValidationCompleted)
    told._append(Draft(job_id=bytes(16), stream=TICKER, event=decision, cause=1))
    with pytest.raises(DamagedError, match="got cause at seq 2"):
        told.traces()
