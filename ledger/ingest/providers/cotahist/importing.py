"""A COTAHIST file becomes evidence and decisions: one append per ticker, with both of its events.

The file is read to its end first (`Intake`), so that nothing of a cut one is appended; then ticker by ticker
(`Importer`). An append is named by the file's hash and the ticker: what was imported is never appended again, and an
import that died is taken up where it stopped by asking for the same file once more. What version 1 took for a ticker
went by its code, under another name: the same file brings what that blended, rejected or left out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from ledger import ids
from ledger.chain import Seq
from ledger.events import FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.foreseen import UnforeseenError, foreseen
from ledger.ingest.import_log import ImportedEvents, ImportLog
from ledger.ingest.providers.cotahist import DESCRIPTION, layout, recorded
from ledger.ingest.providers.cotahist.file import NumberedLine, Text
from ledger.ingest.providers.cotahist.identity import UnnamedQuote, identity
from ledger.ingest.providers.cotahist.layout import LayoutError
from ledger.ingest.providers.cotahist.spool import Spool, SpoolRow
from ledger.ingest.providers.evidence import answer
from ledger.ingest.providers.port import NotFinalError
from ledger.ingest.rules import judge
from ledger.ingest.rules.held import Held, Reach
from ledger.market import sessions
from ledger.market.ticker import currency
from ledger.store.engine import COMMIT_BODY_BYTES
from ledger.store.event_log import COMMIT_APPENDS, EventLog
from ledger.values import Identity, Request, Source, Window

LOCK_NAME = DESCRIPTION.name  # one import at a time: nobody else writes series of this provider
APPENDS = f"{DESCRIPTION.name}/{recorded.VERSION}"  # what the names of appends begin with
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


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the `records` of one ticker; no `decision` where the file was imported before or `error` kept it
    from being.

    No `seq` in a dry run.
    """  # noqa: D205 - one sentence

    ticker: str
    records: int
    decision: ValidationCompleted | None
    seq: Seq | None
    error: UnforeseenError | None = None


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


class Importer:
    """The second pass over one file."""

    def __init__(
        self,
        contents: Contents,
        *,
        job_id: bytes,
        log: EventLog | None,
        held: Callable[[str, Reach], Held],
        threshold_percent: float,
        lock_timeout_s: float,
    ) -> None:
        """Prepare an import; `log` None, or open for reading, makes it a dry run.

        `held` returns what the ledger that `log` has open holds of a ticker from this provider, as far as it is asked
        to reach; the caller holds the import's lock.
        """
        self._job_id = job_id
        self._contents = contents
        self._log = log
        self._appends = ImportLog(log, job_id=job_id, lock_timeout_s=lock_timeout_s)
        self._held = held
        self._threshold_percent = threshold_percent

    def run(self, spool: Spool) -> Iterator[Imported]:
        """Yield what became of each ticker, in order, appended by then: up to 1,000 of them in one transaction.

        In memory are the quotes of one ticker, and the events of one transaction.

        Raises: what `EventLog.append` raises, LedgerReplacedError too; what was yielded stays.
        """
        judged: list[_Judged] = []
        lines_bytes = 0
        for ticker, lines in spool.tickers():
            judged.append(self._judged(ticker, lines))
            lines_bytes += sum(map(len, lines))
            if len(judged) == COMMIT_APPENDS or lines_bytes >= COMMIT_BODY_BYTES:
                yield from self._appended(judged)
                judged, lines_bytes = [], 0
        yield from self._appended(judged)

    def _appended(self, judged: Sequence["_Judged"]) -> Iterator[Imported]:
        seqs = iter(self._appends.append([one.events for one in judged if one.events is not None]))
        for one in judged:
            yield one.imported if one.events is None else replace(one.imported, seq=next(seqs))

    def _judged(self, ticker: str, lines: list[bytes]) -> "_Judged":
        """Return what the file's lines of `ticker` come to, and the events that record it; none for what was before."""
        identifier = ids.append_id(f"{APPENDS}/{self._contents.sha256.hex()}/{ticker}")
        imported = Imported(ticker=ticker, records=len(lines), decision=None, seq=None)
        if self._log is not None and (run := self._log.append_run(identifier)):
            return _Judged(replace(imported, seq=Seq(run.first + run.count - 1)), None)
        try:
            with foreseen("judge"):
                fetch = evidence(ticker, lines, self._contents)
                reading = replace(recorded.reading(b"".join(lines)), rank=recorded.rank(fetch))
                decision = judge.judge(
                    fetch,
                    self._held(ticker, judge.reach(fetch, basis=DESCRIPTION.basis, reading=reading)),
                    basis=DESCRIPTION.basis,
                    exchange=DESCRIPTION.exchange,
                    reading=reading,
                    threshold_percent=self._threshold_percent,
                )
                assert isinstance(decision, ValidationCompleted)  # noqa: S101 - a series as traded has one scale
        except UnforeseenError as error:
            return _Judged(replace(imported, error=error), self._failure(ticker, error))
        return _Judged(replace(imported, decision=decision), ImportedEvents((fetch, decision), identifier))

    def _failure(self, ticker: str, error: UnforeseenError) -> ImportedEvents:
        """Return what records that `ticker` could not be judged; the same file imports it once it can be."""
        event = IngestFailed(
            ticker=ticker,
            provider=DESCRIPTION.name,
            attempt=1,
            started_at=self._contents.started_at,
            finished_at=self._contents.finished_at,
            stage=error.stage,
            error_kind="internal",
            message=str(error),
        )
        return ImportedEvents((event,), ids.append_id(f"ingest.failed/{ticker}", job_id=self._job_id))


class _Judged(msgspec.Struct, frozen=True):
    """What became of a ticker, and the events that say so, which are not in the log yet."""

    imported: Imported
    events: ImportedEvents | None


def evidence(ticker: str, lines: list[bytes], contents: Contents) -> FetchSucceeded:
    """Return the evidence that a file is of one ticker; the answer is its lines as they are in the file.

    The window is the whole file's: a session in it that the ticker lacks had no trade.
    """
    params = {"file": contents.name, "sha256": contents.sha256.hex(), "made_on": contents.made_on.isoformat()}
    return FetchSucceeded(
        ticker=ticker,
        provider=DESCRIPTION.name,
        attempt=1,
        started_at=contents.started_at,
        finished_at=contents.finished_at,
        request=Request(ticker=ticker, window=contents.window, params=params),
        source=Source(library=DESCRIPTION.name, version=recorded.VERSION),
        answer=answer(b"".join(lines)),
        identity=Identity(symbol=ticker, currency=currency(ticker)),
        bars=tuple(layout.quote(line).bar for line in lines),
        actions=(),
    )
