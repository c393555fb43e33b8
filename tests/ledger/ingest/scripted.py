"""A provider that follows a script, for jobs that are to be tested without a network."""

from collections.abc import Callable
from datetime import date

import msgspec

from ledger.ingest.providers.evidence import answer
from ledger.ingest.providers.port import Fetched, Probe, ProviderError
from ledger.values import ErrorKind, Identity, RawAction, RawBar, Request, Source, Window
from tests.ledger.ingest.answers import GOOD

EMPTY_CHART = b'{"chart":{"result":[{"meta":{},"indicators":{"quote":[{}]}}],"error":null}}'


class Refusal(msgspec.Struct, frozen=True):
    """An attempt that fails."""

    kind: ErrorKind
    retry_after_s: int | None = None


class Answered(msgspec.Struct, frozen=True):
    """An attempt that is answered with the bars of the window asked for."""

    bars: tuple[RawBar, ...]
    actions: tuple[RawAction, ...] = ()
    identity: Identity = GOOD
    http_date: int | None = None


Step = Refusal | Answered


class ScriptedProvider:
    """Answers with the next step of its script, and with the last one from then on."""

    name = "yfinance"

    def __init__(self, *script: Step) -> None:
        self.script = list(script)
        self.asked: list[Window] = []
        self.timeouts_s: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None  # happens while the question is out

    def fetch(self, ticker: str, window: Window, *, timeout_s: float) -> Fetched:
        """Return what the script says of this attempt.

        Raises: ProviderError.
        """
        self.asked.append(window)
        self.timeouts_s.append(timeout_s)
        self.meanwhile()
        step = self.script[0] if len(self.script) == 1 else self.script.pop(0)
        request = Request(ticker=ticker, window=window)
        if isinstance(step, Refusal):
            raise ProviderError(step.kind, "scripted", request=request, retry_after_s=step.retry_after_s)
        return Fetched(
            request=request,
            source=Source(library="scripted", version="1", http_date=step.http_date),
            answer=answer(EMPTY_CHART),
            identity=step.identity,
            bars=tuple(bar for bar in step.bars if _within(bar.date, window)),
            actions=tuple(action for action in step.actions if _within(action.date, window)),
        )

    def probe(self, *, timeout_s: float) -> Probe:
        """Answer at once."""
        assert timeout_s > 0
        return Probe(latency_ms=0)


def _within(day: date, window: Window) -> bool:
    return window.start <= day <= window.end
