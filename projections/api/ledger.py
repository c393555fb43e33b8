"""A ledger for notebooks: prices, revisions, actions, gaps and the ingest log, as they were known at any position."""

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from functools import partial
from pathlib import Path
from typing import Literal, Self, cast, overload

import msgspec

from ledger.backup.archive_log import archive_log
from ledger.chain import Head
from ledger.errors import ClosedLedgerError, NothingToShowError
from ledger.ingest.providers import registry
from ledger.log_source import LogSource, created
from ledger.market import ticker as tickers_of
from ledger.market.series import Series
from ledger.values import LedgerKind
from projections.api import locate, market_rows, series_rows
from projections.api.columns import Columns
from projections.api.comparing import CompareRow, Pair, compared
from projections.api.days import Day, Tickers, as_of_written, day_of, day_or_none, names_of
from projections.api.faces import joined, to_columns, to_python
from projections.api.rows import (
    AdjustedPrice,
    Change,
    CorporateAction,
    DiffRow,
    Instrument,
    LogEntry,
    MarketPrice,
    MissingSession,
    OptionPrice,
    Price,
)
from projections.api.shared_log import now_us, shared_log
from projections.api.why import WhyRow
from projections.api.why import row as why_row
from projections.fold.tables import Tables
from projections.models import decisions, ingest_logs, instruments, metrics, retirements
from projections.models import prices as held_prices
from projections.models.ingest_logs import Filter, IngestLogs
from projections.models.instruments import Instruments
from projections.queries import position as positions
from projections.queries import provenance
from projections.queries.compare import COMPARED, Field
from projections.queries.gaps import DueSessions, last_due
from projections.queries.position import AsOf
from projections.queries.sources import pick
from projections.store.runner import open_view, view_at
from projections.store.store import View


class Ledger:
    """A log and its read models as of the moment it was opened: what is appended meanwhile does not show.

    Everywhere `as_of` is how far to look (a seq, that event included; a UTC day, all of it; a time, until then; None
    for all), a ticker is any spelling of one, and `source` is the provider whose series is wanted, else the first of
    PRICE_SOURCES that has one. Where several tickers may be asked for, their rows follow one another in that order.
    Days are dates, ISO text, or what pandas and numpy make of them.

    Everywhere raises: TickerError; NothingToShowError for a series that is not there; ClosedLedgerError after `close`;
    ValueError for an `as_of` or a day that names nothing.
    """

    def __init__(self, log: LogSource, view: View, *, order: tuple[str, ...], action_order: tuple[str, ...] = ()):
        """Read `log` by `view`, whose owner keeps both open; `order` is of providers, `action_order` of actions'."""
        self._held, self._order, self.action_order = (log, view), order, action_order
        self._closing: weakref.finalize[..., Self] | None = None

    @classmethod
    def opened(cls, path: Path) -> Self:
        """Return the ledger in the data folder or archive `path`; see `projections.open_ledger`."""
        with ExitStack() as held:
            log: LogSource
            if path.is_file():
                log, folder = archive_log(path), None
            else:
                log = held.enter_context(shared_log(locate.home(path)))
                folder = log.folder
            view = held.enter_context(open_view(log, folder, storing=False))
            ledger = cls(log, view, order=locate.sources(), action_order=locate.action_sources())
            # A notebook cell that runs again drops the ledger that it opened before without closing it.
            ledger._closing = weakref.finalize(ledger, held.pop_all().close)
            return ledger

    def close(self) -> None:
        """Close what was opened; nothing can be read any longer."""
        if self._closing is not None:
            self._closing()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """Whether nothing can be read any longer."""
        return self._closing is not None and not self._closing.alive

    @property
    def reads(self) -> "tuple[LogSource, View, tuple[str, ...]]":
        """What it reads, and the order of providers: for `projections.relations`, which leans on this room."""
        return (*self._open(), self._order)

    @property
    def _log(self) -> LogSource:
        return self._open()[0]

    @property
    def _view(self) -> View:
        return self._open()[1]

    def _open(self) -> tuple[LogSource, View]:
        if self.closed:
            raise ClosedLedgerError
        return self._held

    def __repr__(self) -> str:
        if self.closed:
            return "<closed ledger>"
        return f"<{self.kind} ledger of {self.head.size} events, head {self.head.link.hex()[:16]}>"

    @property
    def head(self) -> Head:
        """How many events there are, and the link after the last: it identifies all that this ledger reports."""
        return self._view.head

    @property
    def kind(self) -> LedgerKind:
        """Whether its prices are `real` or those of the `sample`."""
        return created(self._log).kind

    def tickers(self) -> tuple[str, ...]:
        """Return the tickers that have prices, in order."""
        return held_prices.tickers(self._tables)

    def position(self, as_of: AsOf | None = None) -> int:
        """Return how many events `as_of` reaches; O(log n) reads for a time."""
        size = self.head.size
        if as_of is None:
            return size
        return min(size, positions.position_of(self._log, positions.reach(as_of_written(as_of))))

    def series(self, ticker: str, source: str | None = None) -> Series:
        """Return the series chosen for the ticker: prices of two providers never blur into one."""
        name = tickers_of.normalize(ticker)
        known = {one.provider: one for one in held_prices.all_series(self._tables, name)}
        if source is None and known:
            return known[pick(known, self._order)]
        if source not in known:
            of = f"no series of {name}" if source is None else f"no series of {name} from {source}"
            raise NothingToShowError(of, wanted=f"one of {', '.join(sorted(known) or self.tickers())}")
        return known[source]

    def _chosen(self, tickers: Tickers, source: str | None) -> Iterator[Series]:
        return (self.series(name, source) for name in names_of(tickers))

    def _told_of(self, tickers: Tickers, source: str | None) -> Iterator[str]:
        for name in names_of(tickers):
            told = decisions.judged(self._tables, name)
            yield name if source in told or (told and source is None) else self.series(name, source).ticker

    @overload
    def prices(
        self,
        ticker: Tickers,
        *,
        start: Day | None = None,
        end: Day | None = None,
        as_of: AsOf | None = None,
        adjusted: Literal[False] = False,
        continued: bool = False,
        source: str | None = None,
    ) -> Columns[Price]: ...

    @overload
    def prices(
        self,
        ticker: Tickers,
        *,
        start: Day | None = None,
        end: Day | None = None,
        as_of: AsOf | None = None,
        adjusted: Literal[True, "splits", "all"],
        continued: bool = False,
        source: str | None = None,
    ) -> Columns[AdjustedPrice]: ...

    def prices(  # noqa: PLR0913 - a notebook asks by keywords, and only those that it needs: a struct is one import more
        self,
        ticker: Tickers,
        *,
        start: Day | None = None,
        end: Day | None = None,
        as_of: AsOf | None = None,
        adjusted: bool | Literal["splits", "all"] = False,
        continued: bool = False,
        source: str | None = None,
    ) -> Columns[Price] | Columns[AdjustedPrice]:
        """Return one row per session from `start` to `end`, both inclusive, in their order.

        Where `adjusted`, beside each price the one adjusted for what was known then, of later sessions than `end` too;
        for `splits` and their like alone, or for all. None before an action of no known size: see `disputed_actions`.
        Where `continued`, with those under its other codes as a person joined them, all on the newest one's scale.
        """
        until, first, last = self.position(as_of), day_or_none(start), day_or_none(end)
        rows: Callable[[Series], Iterable[Price]]
        rule = None
        if adjusted:
            from projections.queries.adjusted import AdjustmentRule

            rule = AdjustmentRule("splits" if adjusted == "splits" else "all", self.action_order)
        if continued:
            # Imported here: exact fractions cost as much as everything else that prices need.
            from projections.api.continued import continued as under_every_code

            chosen, state = partial(self.series, source=source), self._view.state

            def rows(series: Series) -> Iterable[Price]:
                return under_every_code(state, series.ticker, until, chosen=chosen, adjusting=rule)
        else:
            rows = (
                partial(series_rows.adjusted_prices, self._view.state, position=until, rule=rule)
                if rule
                else partial(series_rows.prices, self._tables, position=until)
            )
        found = joined([series_rows.within(rows(one), first, last) for one in self._chosen(ticker, source)])
        return (
            to_columns(AdjustedPrice, cast("Sequence[AdjustedPrice]", found)) if adjusted else to_columns(Price, found)
        )

    def quotations(
        self,
        ticker: str,
        *,
        start: Day | None = None,
        end: Day | None = None,
        as_of: AsOf | None = None,
        source: str | None = None,
    ) -> Columns[MarketPrice]:
        """Return what `prices` does, with traded value, trades, bid, ask and all else that the exchange's file says.

        Of the series whose provider sends such fields; no row of one that sends bars alone.
        """
        name = tickers_of.normalize(ticker)
        held = {one.provider for one in held_prices.all_series(self._tables, name)}
        quoting = next((one for one in registry.quoting() if one in held), None)
        found = market_rows.fields(
            self._log,
            self._tables,
            self.series(name, source or quoting),
            self.position(as_of),
            start=day_or_none(start) or date.min,
            end=day_or_none(end) or date.max,
        )
        return to_columns(MarketPrice, found)

    def market(self, *, on: Day, retired: bool = False, as_of: AsOf | None = None) -> Columns[MarketPrice]:
        """Return a row for each instrument traded on the day, by ticker; those that a person retired if `retired`."""
        reached, state = self.position(as_of), self._view.state
        left = frozenset[str]() if retired else frozenset(retirements.in_force(state[metrics.NAME], reached))
        rows = market_rows.session(self._log, state, day_of(on), reached)
        return to_columns(MarketPrice, (one for one in rows if one.ticker not in left))

    def instruments(
        self, ticker: str | None = None, *, on: Day | None = None, as_of: AsOf | None = None
    ) -> Columns[Instrument]:
        """Return how each instrument is listed, at the end or on a day; of a ticker, every listing that it had.

        With an `as_of`, events until then are folded in memory.
        """
        reached, state = self.position(as_of), self._view.state
        if reached < self.head.size:
            state = view_at(self._log, reached, [Instruments()]).state
        name = None if ticker is None else tickers_of.normalize(ticker)
        return to_columns(Instrument, market_rows.listings(state[instruments.NAME], name, on=day_or_none(on)))

    def options(self, underlying: str, *, on: Day, as_of: AsOf | None = None) -> Columns[OptionPrice]:
        """Return a row for each option on `underlying` traded on the day, by expiry, kind and strike."""
        name, reached = tickers_of.normalize(underlying), self.position(as_of)
        return to_columns(OptionPrice, market_rows.options(self._log, self._view.state, name, day_of(on), reached))

    def revisions(
        self,
        ticker: Tickers,
        *,
        everything: bool = False,
        as_of: AsOf | None = None,
        source: str | None = None,
    ) -> Columns[Change]:
        """Return a row for each value that changed, in the order in which it was learned.

        First bars that came on time are left out, unless `everything` is wanted.
        """
        changes = partial(series_rows.changes, self._tables, position=self.position(as_of), everything=everything)
        return to_columns(Change, (row for one in self._chosen(ticker, source) for row in changes(one)))

    def actions(
        self, ticker: Tickers, *, as_of: AsOf | None = None, source: str | None = None
    ) -> Columns[CorporateAction]:
        """Return a row for each dividend, split and the like, as each provider tells; by day and kind."""
        rows = partial(series_rows.actions_of, self._tables, source=source, position=self.position(as_of))
        return to_columns(CorporateAction, (row for one in self._told_of(ticker, source) for row in rows(one)))

    def gaps(
        self,
        ticker: Tickers,
        *,
        until: Day | None = None,
        as_of: AsOf | None = None,
        source: str | None = None,
    ) -> Columns[MissingSession]:
        """Return a row for each session missing from the first one held to `until`, which is inclusive.

        `until` is else the last session that was final: now, or where `as_of` is given, at its last event. The sample
        ends with its last session, and a series that was retired by then with the day on which it ended.
        """
        reached, last = self.position(as_of), day_or_none(until)
        if last is None:
            at_us = now_us() if as_of is None or not reached else positions.recorded_at(self._log, reached - 1)
            last = last_due(self.kind, at_us)
        measures, missing = self._view.state[metrics.NAME], list[MissingSession]()
        ended = {name: one.on for name, one in retirements.in_force(measures, reached).items()}
        for one in self._chosen(ticker, source):
            files = tuple(metrics.files(measures, one.provider, reached))
            due = DueSessions(last, ended=ended.get(one.ticker, date.max), files=files)
            missing += series_rows.missing_sessions(self._tables, one, due, reached)
        return to_columns(MissingSession, missing)

    def diff(
        self, ticker: Tickers, old: AsOf | None, new: AsOf | None = None, *, source: str | None = None
    ) -> Columns[DiffRow]:
        """Return a row for each field of a session that differs between two positions; `new` None: as of now."""
        before, after = self.position(old), self.position(new)
        found = (
            row
            for one in self._chosen(ticker, source)
            for row in series_rows.differences(
                one,
                held_prices.bars(self._tables, one, before),
                held_prices.bars(self._tables, one, after),
            )
        )
        return to_columns(DiffRow, found)

    def why(self, ticker: str, day: Day, *, source: str | None = None) -> tuple[WhyRow, ...]:
        """Return every decision over one session, oldest first, down to the provider's raw numbers."""
        series, session = self.series(ticker, source), day_of(day)
        traces = provenance.traces(self._log, self._tables, series, session)
        return tuple(why_row(series, session, trace) for trace in traces)

    def compare(  # noqa: PLR0913 - as `prices`
        self,
        ticker: str,
        *,
        a: str | None = None,
        b: str | None = None,
        start: Day | None = None,
        end: Day | None = None,
        fields: Sequence[str] = ("close",),
        as_of: AsOf | None = None,
    ) -> CompareRow:
        """Return how two providers agree on a ticker, worst differences first; else the first two that hold it."""
        name = tickers_of.normalize(ticker)
        held = [one for one in self._order if one in {s.provider for s in held_prices.all_series(self._tables, name)}]
        one, other = (*(wanted for wanted in (a, b) if wanted), *(p for p in held if p not in {a, b}), "", "")[:2]
        if not other:
            found = f"{' and '.join(held) or 'no provider'} of {name}"
            raise NothingToShowError(found, wanted="two providers to compare")
        if unknown := sorted({*fields} - {*COMPARED}):
            message = f"got {', '.join(unknown)}, want some of {', '.join(COMPARED)}"
            raise ValueError(message)
        first, last, chosen = day_or_none(start), day_or_none(end), cast("tuple[Field, ...]", tuple(fields))
        order = self.action_order
        pair = Pair(ticker=name, a=one, b=other, start=first, end=last, fields=chosen, order=order)
        return compared(self._view.state, pair, self.position(as_of))

    def logs(self, ticker: str | None = None, *, failed: bool = False, as_of: AsOf | None = None) -> Columns[LogEntry]:
        """Return a row for each attempt to ingest (of the ticker, where given), newest last; `failed` for those alone.

        With an `as_of`, events until then are folded in memory.
        """
        reached = self.position(as_of)
        state = self._view.state
        if reached < self.head.size:
            state = view_at(self._log, reached, [IngestLogs()]).state
        name = None if ticker is None else tickers_of.normalize(ticker)
        entries = ingest_logs.entries(state[ingest_logs.NAME], Filter(ticker=name, failed=failed))
        return to_columns(LogEntry, (to_python(LogEntry, **msgspec.structs.asdict(entry)) for entry in entries))

    @property
    def _tables(self) -> Tables:
        return self._view.state[held_prices.NAME]
