"""A COTAHIST file becomes evidence and decisions: one append per ticker, with both of its events.

The file is read to its end first (`Intake`), so that nothing of a cut one is appended; then ticker by ticker
(`Importer`), many at once by columns where no rule has anything to say of them. An append is named by the file's hash
and the ticker: what was imported is never appended again, and an import that died is taken up where it stopped by
asking for the same file once more. What version 1 took for a ticker went by its code, under another name: the same file
brings what that blended, rejected or left out.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, pairwise, starmap
from typing import TYPE_CHECKING, cast

import msgspec
from blake3 import blake3
from msgspec.structs import replace

from ledger import ids
from ledger.chain import Seq
from ledger.events import FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.foreseen import UnforeseenError, foreseen
from ledger.ingest.import_log import ImportedEvents, ImportLog
from ledger.ingest.providers.cotahist import DESCRIPTION, layout, recorded
from ledger.ingest.providers.cotahist.intake import Contents
from ledger.ingest.providers.cotahist.layout import LINE_BYTES
from ledger.ingest.providers.cotahist.spool import Spool
from ledger.ingest.providers.evidence import answer
from ledger.ingest.rules import judge, row_rules
from ledger.ingest.rules.held import Held, Reach
from ledger.market import series_state
from ledger.market.series import Series
from ledger.market.ticker import currency
from ledger.store.engine import COMMIT_BODY_BYTES
from ledger.store.event_log import COMMIT_APPENDS, EventLog
from ledger.values import Answer, Bar, Identity, RawBar, Request, Source

if TYPE_CHECKING:
    from concurrent.futures import Future

    from ledger.ingest.providers.cotahist.line_runs import TickerLines

LOCK_NAME = DESCRIPTION.name  # one import at a time: nobody else writes series of this provider
PACKED_AHEAD = 4  # batches, of 8,192 lines each: enough to compress while a commit waits for the disk
FIRST_APPENDS = 100  # of one transaction, the first: whoever folds meanwhile begins that much sooner
APPENDS = f"{DESCRIPTION.name}/{recorded.VERSION}"  # what the names of appends begin with

_NO_ACTIONS = series_state.actions_array(())
_decode_bars = msgspec.msgpack.Decoder(list[Bar]).decode


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
        return self._committed(self._judged(ticker, lines) for ticker, lines in spool.tickers())

    def run_columns(self, batches: "Iterable[TickerLines]") -> Iterator[Imported]:
        """Yield what `run` does, of quotes in columns."""
        return self._committed(chain.from_iterable(starmap(self._judged_together, self._packed_beside(batches))))

    def _packed_beside(
        self, batches: "Iterable[TickerLines]"
    ) -> "Iterator[tuple[TickerLines, list[bytes], Future[list[Answer | None]]]]":
        """Yield `batches`, each with the names of its appends and, to come, its answers; None of what is in the log.

        A thread packs the lines of the next ones while one is judged: compression needs no interpreter.
        """
        # Imported here: a file of few lines needs no thread.
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as thread:
            ahead: deque[tuple[TickerLines, list[bytes], Future[list[Answer | None]]]] = deque()
            for batch in batches:
                names = list(map(self._append_id, batch.tickers))
                known = {} if self._log is None else self._log.append_runs(names)
                ahead.append((batch, names, thread.submit(_packed, batch, [name not in known for name in names])))
                if len(ahead) > PACKED_AHEAD:
                    yield ahead.popleft()
            yield from ahead

    def _committed(self, judgements: Iterable["_Judged"]) -> Iterator[Imported]:
        waiting: list[_Judged] = []
        lines_bytes, most = 0, min(FIRST_APPENDS, COMMIT_APPENDS)
        for one in judgements:
            waiting.append(one)
            lines_bytes += one.imported.records * LINE_BYTES
            if len(waiting) == most or lines_bytes >= COMMIT_BODY_BYTES:
                yield from self._appended(waiting)
                waiting, lines_bytes, most = [], 0, COMMIT_APPENDS
        yield from self._appended(waiting)

    def _judged_together(
        self, batch: "TickerLines", names: Sequence[bytes], packed: "Future[list[Answer | None]]"
    ) -> Iterator["_Judged"]:
        # Imported here: numpy is worth its start where a file is imported.
        from ledger.ingest.providers.cotahist import column_judge

        found = column_judge.judged(batch, row_rules.today(self._contents.finished_at, self._nothing.rank))
        each = zip(batch.tickers, names, found.sound, packed.result(), pairwise(batch.bounds), strict=True)
        for ticker, identifier, sound, kept, (start, stop) in each:
            held = self._held_before(ticker) if sound and kept is not None else None
            if kept is None or held is None or held.bars or held.actions or held.ranks:
                yield self._judged(ticker, [line.tobytes() for line in batch.lines[start:stop]], held, kept)
                continue
            # Written as they are where the event is encoded, and read back as bars before it is appended.
            answered = cast("tuple[RawBar, ...]", msgspec.Raw(found.answered.array(start, stop)))
            fetch = evidence(ticker, kept, answered, self._contents)
            looked_at = found.looked_at[bisect_left(found.looked_at, start) : bisect_left(found.looked_at, stop)]
            decision = self._all_new(
                ticker, stop - start, found.accepted.array(start, stop), [place - start for place in looked_at]
            )
            imported = Imported(ticker=ticker, records=stop - start, decision=decision, seq=None)
            yield _Judged(imported, ImportedEvents((fetch, decision), identifier))

    def _held_before(self, ticker: str) -> Held | None:
        """Return what is held of the ticker, as far as the file's days look at it."""
        try:
            with foreseen("judge"):
                return self._held(ticker, Reach(self._contents.window, ends=False))
        except UnforeseenError:
            return None  # it comes again when the ticker is judged by itself, and is recorded

    @cached_property
    def _nothing(self) -> ValidationCompleted:
        """What is decided over evidence of no rows."""
        fetch = evidence("", answer(b""), (), self._contents)
        return replace(judge.nothing_of(fetch, DESCRIPTION.basis), rank=recorded.rank(fetch))

    def _all_new(self, ticker: str, records: int, bars: bytes, looked_at: Sequence[int]) -> ValidationCompleted:
        """Return the decision that accepts all that is answered of a ticker that nothing is held of.

        `bars` are the accepted ones, in the msgpack of a decision; a rule may name those `looked_at`, and no others.
        """
        series, basis = Series(ticker, DESCRIPTION.name), DESCRIPTION.basis
        flagged, warned = judge.found_in_new(ticker, _decode_bars(bars), looked_at, basis) if looked_at else ((), ())
        leaves = [(self._contents.window.start.year, blake3(bars).digest())]
        return replace(
            self._nothing,
            ticker=ticker,
            currency=currency(ticker),
            verdict="warning" if flagged else "success",
            received=records,
            added=records,
            bars=cast("tuple[Bar, ...]", msgspec.Raw(bars)),
            flagged=flagged,
            warned=warned,
            before=series_state.state_over(series, basis, (), _NO_ACTIONS),
            after=series_state.state_over(series, basis, leaves, _NO_ACTIONS),
            threshold_percent=float(self._threshold_percent),
        )

    def _append_id(self, ticker: str) -> bytes:
        return ids.append_id(f"{APPENDS}/{self._contents.sha256.hex()}/{ticker}")

    def _appended(self, judged: Sequence["_Judged"]) -> Iterator[Imported]:
        seqs = iter(self._appends.append([one.events for one in judged if one.events is not None]))
        for one in judged:
            yield one.imported if one.events is None else replace(one.imported, seq=next(seqs))

    def _judged(
        self, ticker: str, lines: list[bytes], held: Held | None = None, packed: Answer | None = None
    ) -> "_Judged":
        """Return what the file's lines of `ticker` come to, and the events that record it; none for what was before.

        `held` is what is held of it, and `packed` its lines as evidence, where these are known already.
        """
        identifier = self._append_id(ticker)
        imported = Imported(ticker=ticker, records=len(lines), decision=None, seq=None)
        if self._log is not None and (run := self._log.append_run(identifier)):
            return _Judged(replace(imported, seq=Seq(run.first + run.count - 1)), None)
        try:
            with foreseen("judge"):
                body = b"".join(lines)
                bars = tuple(layout.quote(line).bar for line in lines)
                fetch = evidence(ticker, packed or answer(body), bars, self._contents)
                reading = replace(recorded.reading(body), rank=recorded.rank(fetch))
                reach = judge.reach(fetch, basis=DESCRIPTION.basis, reading=reading)
                decision = judge.judge(
                    fetch,
                    held if held is not None and held.reaches(reach) else self._held(ticker, reach),
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


def _packed(batch: "TickerLines", wanted: Sequence[bool]) -> list[Answer | None]:
    """Return the lines of each ticker as evidence, None where that is not `wanted`."""
    each = zip(wanted, pairwise(batch.bounds), strict=True)
    return [answer(batch.lines[start:stop].tobytes()) if needed else None for needed, (start, stop) in each]


def evidence(ticker: str, kept: Answer, bars: tuple[RawBar, ...], contents: Contents) -> FetchSucceeded:
    """Return the evidence that a file is of one ticker; the answer `kept` is its lines as they are in the file.

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
        answer=kept,
        identity=Identity(symbol=ticker, currency=currency(ticker)),
        bars=bars,
        actions=(),
    )
