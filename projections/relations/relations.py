"""Every relation of a ledger by its name, as one Arrow table, as of one position."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from ledger.log_source import LogSource
from ledger.market.series import Series
from projections.api import extras, market_rows, series_rows
from projections.api.columns import arrow_schema
from projections.api.faces import to_columns, to_python
from projections.api.rows import AdjustedPrice, Change, CorporateAction, Instrument, LogEntry, MarketPrice, Price
from projections.fold.projection import Projection
from projections.fold.tables import State, Tables
from projections.models import decisions, ingest_logs, instruments, metrics, prices, retirements
from projections.models.ingest_logs import IngestLogs
from projections.models.instruments import Instruments
from projections.models.units import fields
from projections.queries.adjusted import AdjustmentRule
from projections.queries.choosing import SeriesWanted, chosen, quoting
from projections.relations.logged_events import LoggedEvent, logged
from projections.store.runner import view_at
from projections.store.store import View

ROWS_TOGETHER = 65_536


class RelationsAsked(msgspec.Struct, frozen=True, kw_only=True):
    """As of which position a ledger is read, and which of all that it holds then.

    One series stands for a ticker, the `source`'s or the first by `order`; retired ones only if `retired`. Every
    provider's actions are there, whosever prices are read, and adjust in the order of belief `action_order`.
    """

    position: int
    order: tuple[str, ...]
    action_order: tuple[str, ...] = ()
    source: str | None = None
    retired: bool = False

    @property
    def series(self) -> SeriesWanted:
        """Whose series they are of."""
        return SeriesWanted(order=self.order, source=self.source, retired=self.retired)


class Relations:
    """The relations of a ledger, of what is `asked`; a table is made when it is asked for.

    `late` are the tickers in a table that is adjusted whose first session has no adjusted price.
    """

    def __init__(self, log: LogSource, view: View, asked: RelationsAsked) -> None:
        self._log, self._view, self._asked, self._position = log, view, asked, asked.position
        self._tickers: Collection[str] | None = None
        self.late: set[str] = set()

    def table(self, name: str, tickers: Collection[str] | None = None) -> Any:
        """Return the relation as a `pyarrow.Table`, at least what it has of these `tickers` (None: all).

        Raises: KeyError for a name that is none; MissingExtraError without pyarrow.
        """
        arrow: Any = extras.load("pyarrow", extra="sql")
        relation, self._tickers = RELATIONS[name], tickers
        parts = rows = iter(relation.rows(self))
        if not relation.in_blocks:
            batches = iter(lambda: list(islice(rows, ROWS_TOGETHER)), [])
            parts = (to_columns(relation.row_type, batch) for batch in batches)
        return arrow.concat_tables([empty(name), *(part.to_arrow() for part in parts)])

    def prices(self) -> Iterator[Any]:
        """Yield the sessions held as blocks, by ticker and day."""
        return self._sessions(adjusted=False)

    def adjusted(self) -> Iterator[Any]:
        """Yield what `prices` does, with what each price is adjusted for what was known then."""
        return self._sessions(adjusted=True)

    def revisions(self) -> Iterator[Change]:
        """Yield every change of every session, first bars too, by ticker and then as they were learned."""
        for series in self._chosen:
            yield from series_rows.changes(self._tables, series, self._position, everything=True)

    def actions(self) -> Iterator[CorporateAction]:
        """Yield the corporate actions known of every provider, by ticker, day, kind and provider."""
        ended = {} if self._asked.retired else retirements.in_force(self._view.state[metrics.NAME], self._position)
        for ticker in [one for one in decisions.tickers(self._tables) if one not in ended]:
            yield from series_rows.actions_of(self._tables, ticker, None, self._position)

    def instruments(self) -> Iterator[Instrument]:
        """Yield how each instrument was listed at the end, by ticker."""
        return market_rows.listings(self._state_of(Instruments())[instruments.NAME])

    def market(self) -> Iterator[Any]:
        """Yield every field of each session held, of providers that tell of more than bars, by ticker and day.

        Of such a provider too where another one's series stands for the ticker's prices. They come as blocks.
        """
        # Imported here: numpy is worth its start where prices are read.
        from projections.relations.quoted_sessions import quoted_sessions

        wanted = quoting(self._view, self._position, self._series)
        return (one.block for one in quoted_sessions(self._log, self._view, wanted, self._position))

    def logs(self) -> Iterator[LogEntry]:
        """Yield every attempt to ingest, newest last."""
        for entry in ingest_logs.entries(self._state_of(IngestLogs())[ingest_logs.NAME]):
            yield to_python(LogEntry, **msgspec.structs.asdict(entry))

    def events(self) -> Iterator[LoggedEvent]:
        """Yield every event, oldest first.

        Raises: DamagedError.
        """
        return map(logged, self._log.read(stop=self._position))

    def _state_of(self, model: Projection) -> State:
        """Return the state with that read model as of the position, folded in memory where it is not the newest."""
        if self._position == self._view.head.size:
            return self._view.state
        return view_at(self._log, self._position, [model]).state

    @property
    def _series(self) -> SeriesWanted:
        return replace(self._asked.series, among=self._tickers)

    @property
    def _chosen(self) -> list[Series]:
        return chosen(self._view, self._position, self._series)

    @property
    def _tables(self) -> Tables:
        return self._view.state[prices.NAME]

    def _sessions(self, *, adjusted: bool) -> Iterator[Any]:
        # Imported here: numpy is worth its start where prices are read.
        from projections.relations.sessions import sessions

        rule = AdjustmentRule(order=self._asked.action_order) if adjusted else None
        for found in sessions(self._view, self._chosen, self._position, adjusted=rule):
            if adjusted:
                missing = found.block.columns["factor"].missing
                self.late |= {one.series.ticker for one in found.parts if missing is not None and missing[one.start]}
            yield found.block


class Relation(NamedTuple):
    """What a relation's rows are, and what yields them: rows one by one, or blocks of them."""

    row_type: type[msgspec.Struct]
    rows: Callable[[Relations], Iterable[Any]]
    in_blocks: bool = False


RELATIONS = {
    "prices": Relation(Price, Relations.prices, in_blocks=True),
    "adjusted": Relation(AdjustedPrice, Relations.adjusted, in_blocks=True),
    "revisions": Relation(Change, Relations.revisions),
    "actions": Relation(CorporateAction, Relations.actions),
    "instruments": Relation(Instrument, Relations.instruments),
    "market": Relation(MarketPrice, Relations.market, in_blocks=True),
    "logs": Relation(LogEntry, Relations.logs),
    "events": Relation(LoggedEvent, Relations.events),
}


def empty(name: str) -> Any:
    """Return a `pyarrow.Table` of the relation's columns and no row.

    Raises: KeyError for a name that is none; MissingExtraError without pyarrow.
    """
    row_type = RELATIONS[name].row_type
    return arrow_schema(row_type, [field.name for field in fields(row_type)]).empty_table()
