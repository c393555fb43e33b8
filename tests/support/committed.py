"""A log in memory whose decisions are judged by the rules, so that they commit to their series."""

from collections.abc import Sequence

from ledger.chain import Seq
from ledger.codec import Draft
from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ids import append_id
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.judge import judge, superseded
from ledger.market.series import Series
from ledger.memory_log import MemoryLog
from ledger.values import Basis, RawAction, RawBar, Window
from projections.fold.folding import replayed
from projections.models import prices
from projections.models.prices import Prices
from tests.ledger.ingest.answers import TICKER, evidence, run_of, session
from tests.support.archives import created
from tests.support.drafts import JOB, StepClock

BASIS: Basis = "split_adjusted"
EXCHANGE = "SAO"
SERIES = Series(TICKER, "yfinance")


class CommittedLog:
    """One series of one provider, answer by answer; all that the provider knows may be asked for again."""

    def __init__(self, basis: Basis = BASIS) -> None:
        """Begin with event 0; the provider's prices are on `basis`."""
        self.basis = basis
        self.log = MemoryLog(now=StepClock())
        self.log.append([created()], append_id=append_id("ledger.created"))
        self.decisions: list[ValidationCompleted] = []

    def held(self) -> Held:
        """Return the series as a fold of the log holds it."""
        return prices.held(replayed(self.log.read(), [Prices()])[1]["prices"], SERIES)

    def answer(
        self, bars: Sequence[RawBar], actions: Sequence[RawAction], window: Window, whole: Sequence[RawBar] = ()
    ) -> None:
        """Record an answer over `window` and the decision over it; `whole` is what a wider question would bring.

        Each append is made twice under its id, as somebody does who does not know whether it was acknowledged.
        """
        held = self.held()
        asked = evidence(bars, actions, window=window)
        decision = judge(asked, held, basis=self.basis, exchange=EXCHANGE)
        if isinstance(decision, ValidationCompleted):
            self._record([(asked, decision)])
            return
        wider = evidence(whole, actions, window=decision.window)
        again = judge(wider, held, basis=self.basis, exchange=EXCHANGE)
        assert isinstance(again, ValidationCompleted)
        self._record([(asked, superseded(asked, held, basis=self.basis)), (wider, again)])

    def _record(self, judged: Sequence[tuple[FetchSucceeded, ValidationCompleted]]) -> None:
        causes = [self._append([Draft(job_id=JOB, stream=TICKER, event=fetch)], "fetch") for fetch, _ in judged]
        drafts = [
            Draft(job_id=JOB, stream=TICKER, event=decision, cause=cause)
            for cause, (_, decision) in zip(causes, judged, strict=True)
        ]
        self._append(drafts, "validate")
        self.decisions += [decision for _, decision in judged]

    def _append(self, drafts: list[Draft], what: str) -> Seq:
        identifier = append_id(f"{what}/{self.log.head().size}")
        first = self.log.append(drafts, append_id=identifier).first
        assert first == self.log.append(drafts, append_id=identifier).first
        return first


def told() -> CommittedLog:
    """Return a ledger of three decisions: a first answer, a correction with a dividend, an answer that lacks it."""
    ledger = CommittedLog()
    closes = [10 + n / 10 for n in range(8)]
    ledger.answer(run_of(closes), [], Window(session(0), session(7)))
    later = [10.5, 10.6, 10.75, 10.9]
    paid = [RawAction(session(8), "dividend", 0.3), RawAction(session(8), "dividend", 0.3)]
    ledger.answer(run_of(later, first=5), paid, Window(session(5), session(8)))
    ledger.answer(run_of([10.75, 10.9, 11.0], first=7), [], Window(session(7), session(9)))
    return ledger
