"""The first pass over a file: all of it is read, and its wanted quotes wait, before anything is appended."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Literal

import msgspec

from ledger.ingest.providers.cotahist import layout
from ledger.ingest.providers.cotahist.file import NumberedLine, Text
from ledger.ingest.providers.cotahist.identity import UnnamedQuote, identity
from ledger.ingest.providers.cotahist.layout import LayoutError
from ledger.ingest.providers.cotahist.spool import Spool, SpoolRow
from ledger.ingest.providers.port import NotFinalError
from ledger.market import sessions
from ledger.values import Window

TICKER_QUOTES_MAX = 20_000  # a year has 250 sessions
US_A_S = 1_000_000
TICKERS_MAX = 250_000  # a year of the whole market has some 50,000

Market = Literal["spot", "all"]


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What of a file is wanted; no `tickers` wants them all."""

    market: Market = "spot"
    tickers: frozenset[str] = frozenset()


class RefusedCode(msgspec.Struct, frozen=True):
    """Records of a file that no series can be named for: under which code, why, and how many."""

    code: str
    reason: str
    records: int


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was found, read to its end; times are microseconds UTC, counts are of its records.

    `outside` were not asked for; `refused` are of no series.
    """

    name: str
    sha256: bytes
    made_on: date
    window: Window
    records: int
    outside: int
    refused: tuple[RefusedCode, ...]
    tickers: int
    started_at: int
    finished_at: int


class Intake:
    """The first pass: a whole file goes into a spool, or is refused."""

    def __init__(self, wanted: Selection) -> None:
        self._wanted = wanted
        self._quotes: Counter[str] = Counter()
        self._outside = 0
        self._refused: Counter[UnnamedQuote] = Counter()
        self.present: set[str] = set()  # the tickers of the file, those that were not asked for too

    def fill(self, spool: Spool, text: Text, batches: Iterable[list[NumberedLine]]) -> None:
        """Put every quote that is wanted into `spool`; `batches` are those of `text`.

        Raises: CotahistError naming the line; DiskFullError, StorageError of the spool.
        """
        wanted = self._wanted
        for batch in batches:
            rows: list[SpoolRow] = []
            for number, line in batch:
                ticker = identity(line)
                if isinstance(ticker, str):
                    self.present.add(ticker)
                if (wanted.market == "spot" and layout.market(line) != layout.SPOT) or (
                    wanted.tickers and ticker not in wanted.tickers
                ):
                    self._outside += 1
                elif isinstance(ticker, UnnamedQuote):
                    self._refused[ticker] += 1
                else:
                    # Read again when its ticker's turn comes: by then a bad one could no longer be refused.
                    try:
                        layout.quote(line)
                    except LayoutError as error:
                        raise text.refused(error, number) from error
                    # Held in memory are a ticker's quotes when its turn comes, and the names of all.
                    self._quotes[ticker] += 1
                    if self._quotes[ticker] > TICKER_QUOTES_MAX:
                        found = f"more than {TICKER_QUOTES_MAX} quotes of {ticker}"
                        raise text.refused(LayoutError(found, f"at most {TICKER_QUOTES_MAX} in one file"), number)
                    if len(self._quotes) > TICKERS_MAX:
                        found = f"more than {TICKERS_MAX} tickers"
                        raise text.refused(LayoutError(found, "the tickers of one exchange"), number)
                    rows.append((ticker, number, line))
            spool.put(rows)

    def contents(self, text: Text, *, started_at: int, finished_at: int) -> Contents:
        """Return what was found, once all of `text` is read.

        Raises: NotFinalError where its last session was not final by `finished_at`, nor on the day that it was made.
        """
        made_on, last = text.header.made_on, text.window.end
        if text.quotes and made_on <= last and finished_at < (final_at := sessions.final_at(last)):
            # In whole seconds: the time is for a person.
            again = datetime.fromtimestamp(final_at // US_A_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            raise NotFinalError(text.name, session=last, made_on=made_on, again=again)
        return Contents(
            name=text.name,
            sha256=text.sha256,
            made_on=made_on,
            window=text.window,
            records=text.quotes,
            outside=self._outside,
            refused=tuple(RefusedCode(one.code, one.reason, records) for one, records in self._refused.items()),
            tickers=len(self._quotes),
            started_at=started_at,
            finished_at=finished_at,
        )
