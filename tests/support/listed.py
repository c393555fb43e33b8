"""Logs whose evidence is lines of the exchange's file, as an import would append them."""

from collections.abc import Sequence
from datetime import date

from ledger.events import FetchSucceeded
from ledger.ingest.providers.cotahist import DESCRIPTION, layout
from ledger.ingest.providers.evidence import answer
from ledger.market.price import price_micros
from ledger.memory_log import MemoryLog
from ledger.values import Bar, Identity, Request, Source, Verdict, Window
from tests.projections.story import Story
from tests.support.drafts import decision

PROVIDER = DESCRIPTION.name


def bar(line: bytes) -> Bar:
    """Return the bar that is accepted of a line."""
    raw = layout.quote(line).bar
    opened, high, low, close = (price_micros(price) for price in (raw.open, raw.high, raw.low, raw.close))
    return Bar(raw.date, opened, high, low, close, None, int(raw.volume or 0))


class Listed:
    """A log of imports, one decision over each evidence."""

    def __init__(self, story: Story | None = None) -> None:
        """Begin a log, or go on with that of `story`."""
        self._story = story or Story()
        self._held: dict[tuple[str, date], Bar] = {}

    @property
    def log(self) -> MemoryLog:
        """The log so far."""
        return self._story.log

    def imported(
        self,
        lines: Sequence[bytes],
        ticker: str = "PETR4.SA",
        *,
        verdict: Verdict = "success",
        body: bytes | None = None,
    ) -> int:
        """Append evidence of `lines` and the decision over it, which accepts what is new or changed; return its seq.

        `body` is what the answer holds in their place.
        """
        bars = [bar(line) for line in lines]
        days = [one.date for one in bars]
        window = Window(min(days), max(days))
        at = self._story.now_us
        fetched = self._story.add(
            FetchSucceeded(
                ticker=ticker,
                provider=PROVIDER,
                attempt=1,
                started_at=at,
                finished_at=at,
                request=Request(ticker=ticker, window=window),
                source=Source(library=PROVIDER, version="1"),
                answer=answer(b"".join(lines) if body is None else body),
                identity=Identity(symbol=ticker, currency="BRL"),
                bars=tuple(layout.quote(line).bar for line in lines),
                actions=(),
            )
        )
        accepted = verdict in {"success", "warning"}
        new = [one for one in bars if self._held.get((ticker, one.date)) != one] if accepted else []
        added = sum((ticker, one.date) not in self._held for one in new)
        self._held |= {(ticker, one.date): one for one in new}
        return self._story.add(
            decision(
                ticker,
                PROVIDER,
                window,
                new,
                basis=DESCRIPTION.basis,
                rules_version=2,
                verdict=verdict,
                received=len(bars),
                added=added,
                revised=len(new) - added,
                unchanged=len(bars) - len(new),
            ),
            cause=fetched,
        )
