"""Every field of a session that its provider sent beyond the bar, decoded from the evidence that the bar is from.

Nothing of it is stored: a field is as exact as its answer, of any position, in a ledger of any age.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date

from ledger.codec import decode_envelope
from ledger.errors import DamagedError
from ledger.events import FetchSucceeded
from ledger.ingest.providers import evidence, registry
from ledger.ingest.providers.evidence import OtherBodyError
from ledger.ingest.providers.port import BodyError
from ledger.log_source import LogSource
from ledger.market.quotation import Quotation
from ledger.market.series import Series
from ledger.values import Answer, Bar
from projections.fold.event_readers import Evidence, decode_answer, decode_fact
from projections.fold.tables import Tables
from projections.models import decisions, prices
from projections.models.decisions import Decision
from projections.models.prices import Version


def in_force(
    tables: Tables, series: Series, position: int | None = None, *, start: date = date.min, end: date = date.max
) -> list[Version]:
    """Return the versions in force once `position` events are read (None: all), of the days from `start` to `end`."""
    if start == end:
        held = prices.on_day(tables, series, start, position)
        return [] if held is None else [held]
    return [one for one in prices.holding(tables, series, position).values() if start <= one.date <= end]


def quotations(log: LogSource, tables: Tables, series: Series, versions: list[Version]) -> dict[date, Quotation]:
    """Return what the evidence of each of `versions`, those of one series, says of its session, by day.

    Empty for a provider whose answers say nothing beyond the bar. Reads an event for each answer that they are from.

    Raises: DamagedError where an event is not what its decision says, or its answer not what it was.
    """
    if series.provider not in registry.quoting():
        return {}
    by_seq = defaultdict[int, dict[date, Bar]](dict)
    for one in versions:
        if one.bar is not None:
            by_seq[one.seq][one.date] = one.bar
    found = {one.date: one for seq, bars in by_seq.items() for one in _said(log, tables, series, seq, bars)}
    return dict(sorted(found.items()))


def closes(log: LogSource, tables: Tables, series: Series, position: int | None = None) -> dict[date, frozenset[int]]:
    """Return the closes that the newest answer accepted of a series of actions gives beside them, by their day.

    Once `position` events are read (None: all). Reads an event of a provider whose answers have any.

    Raises: as `quotations`.
    """
    if registry.described(series.provider).closes is None:
        return {}
    accepted = [one for one in decisions.decisions(tables, series, position) if one.accepted and one.cause is not None]
    for decision in accepted[-1:]:
        with _behind(log, decision) as answer:
            return registry.closes(series.provider, answer)
    return {}


def _said(log: LogSource, tables: Tables, series: Series, seq: int, bars: dict[date, Bar]) -> Iterator[Quotation]:
    decision = decisions.made_at(tables, series, seq)
    if decision is not None and decision.cause is not None:
        with _behind(log, decision) as answer:
            yield from registry.quotations(series.provider, answer, bars)


def bodies(log: LogSource, judged: Iterable[Decision]) -> list[bytes]:
    """Return the answer that each decision is over, plain; each has a cause. Reads an event for each.

    Raises: as `quotations`.
    """
    found = []
    for decision in judged:
        with _behind(log, decision) as answer:
            found.append(evidence.body(answer))
    return found


@contextmanager
def _behind(log: LogSource, decision: Decision) -> Iterator[Answer]:
    """Give the answer that a decision is over, which has a cause; what cannot be read of it is damage."""
    cause = decision.cause or 0
    (record,) = log.read(cause, cause + 1)
    fact = decode_fact(decode_envelope(record.seq, record.body))
    if not isinstance(fact, Evidence):
        raise DamagedError(decision.seq, "cause", expected=FetchSucceeded.TAG, found=type(fact).__name__)
    try:
        yield decode_answer(fact.answer)
    except OtherBodyError as error:
        raise DamagedError(cause, "answer", expected=error.expected, found=error.found) from error
    except BodyError as error:
        raise DamagedError(cause, "answer", expected="one that was read before", found=str(error)) from error
