"""Every relation of a ledger by its name, as one Arrow table, as of one position."""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from ledger.log_source import LogSource
from ledger.market.series import Series
from projections.api import extras, series_rows
from projections.api.columns import arrow_schema
from projections.api.faces import to_columns, to_python
from projections.api.rows import AdjustedPrice, Change, CorporateAction, LogEntry, Price
from projections.fold.keys import two_texts
from projections.fold.tables import Tables
from projections.models import ingest_logs, metrics, prices, retirements
from projections.models.ingest_logs import IngestLogs
from projections.models.units import fields
from projections.queries.adjusted import AdjustmentRule
from projections.queries.choosing import chosen
from projections.relations.logged_events import LoggedEvent, logged
from projections.store.runner import view_at
from projections.store.store import View

ROWS_TOGETHER = 65_536


class Relations:
    """The relations of a ledger once `position` events are read; a table is made when it is asked for.

    One series stands for a ticker, the `source`'s or the first by `order`; retired ones only if `retired`. Every
    provider's actions are there, and adjust in the order of belief `action_order`.
    """

    def __init__(  # noqa: PLR0913 - which of all that a ledger holds
        self,
        log: LogSource,
        view: View,
        position: int,
        *,
        order: tuple[str, ...],
        action_order: tuple[str, ...] = (),
        source: str | None = None,
        retired: bool = False,
    ) -> None:
        self._log, self._view, self._position = log, view, position
        self._rule = AdjustmentRule(order=action_order)
        self._order, self._source, self._retired = order, source, retired

    def table(self, name: str) -> Any:
        """Return the relation as a `pyarrow.Table`.

        Raises: KeyError for a name that is none; MissingExtraError without pyarrow.
        """
        arrow: Any = extras.load("pyarrow", extra="sql")
        relation = RELATIONS[name]
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
        """Yield the corporate actions known, by ticker, day, kind and provider."""
        ended = {} if self._retired else retirements.in_force(self._view.state[metrics.NAME], self._position)
        tickers = dict.fromkeys(two_texts(key)[0] for key, _ in self._tables["decided"].scan())
        for ticker in [one for one in tickers if one not in ended]:
            yield from series_rows.actions_of(self._tables, ticker, self._source, self._position)

    def logs(self) -> Iterator[LogEntry]:
        """Yield every attempt to ingest, newest last."""
        state = self._view.state
        if self._position < self._view.head.size:
            state = view_at(self._log, self._position, [IngestLogs()]).state
        for entry in ingest_logs.entries(state[ingest_logs.NAME]):
            yield to_python(LogEntry, **msgspec.structs.asdict(entry))

    def events(self) -> Iterator[LoggedEvent]:
        """Yield every event, oldest first.

        Raises: DamagedError.
        """
        return map(logged, self._log.read(stop=self._position))

    @cached_property
    def _chosen(self) -> list[Series]:
        return chosen(self._view.state, self._position, order=self._order, source=self._source, retired=self._retired)

    @property
    def _tables(self) -> Tables:
        return self._view.state[prices.NAME]

    def _sessions(self, *, adjusted: bool) -> Iterator[Any]:
        # Imported here: numpy is worth its start where prices are read.
        from projections.relations.sessions import sessions

        for found in sessions(self._view, self._chosen, self._position, adjusted=self._rule if adjusted else None):
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
    "logs": Relation(LogEntry, Relations.logs),
    "events": Relation(LoggedEvent, Relations.events),
}


def empty(name: str) -> Any:
    """Return a `pyarrow.Table` of the relation's columns and no row.

    Raises: KeyError for a name that is none; MissingExtraError without pyarrow.
    """
    row_type = RELATIONS[name].row_type
    return arrow_schema(row_type, [field.name for field in fields(row_type)]).empty_table()
