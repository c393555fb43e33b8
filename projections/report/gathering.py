"""A report's facts, gathered from a log and its read models."""

from collections.abc import Iterator, Mapping
from datetime import date

import msgspec

from ledger.errors import NothingToShowError
from ledger.ingest.providers.registry import brought_by_hand
from ledger.log_source import LogSource, created
from ledger.market.series import Series
from ledger.market.ticker import code, short
from projections.actions import taped
from projections.api import disputes, series_rows
from projections.api.faces import to_python
from projections.api.rows import LogEntry
from projections.fold.tables import State
from projections.models import ingest_logs, metrics, prices, retirements
from projections.models.ingest_logs import Filter, IngestLogs
from projections.models.metrics import Metrics
from projections.queries.gaps import DueSessions, last_due
from projections.queries.metrics_report import TickerReport, graded, report
from projections.queries.position import recorded_at
from projections.queries.sources import pick
from projections.report.custody import ChainRead
from projections.report.facts import ReportFacts, SourceFacts, TickerFacts
from projections.store.runner import view_at
from projections.store.store import View

LAST_ENTRIES = 20
BY_HAND_SECTIONS_MAX = 20  # an exchange's file is of thousands, and a page is read by a person

SessionsHeld = dict[str, dict[str, tuple[date, ...]]]  # sessions by ticker and provider


class ReportAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is asked for: which tickers (none: all), by which settings."""

    tickers: tuple[str, ...]
    lag_threshold_s: int
    order: tuple[str, ...]
    action_order: tuple[str, ...] = ()


def begun(log: LogSource, read: ChainRead, asked: ReportAsked) -> ReportFacts:
    """Return what is known of the log before any fold: the ledger and its chain, and what it says of itself.

    Raises: DamagedError where event 0 is not what a log begins with.
    """
    first = created(log)
    # Those that are not over are the newest, however long ago they began.
    alerts = sorted(
        (one for one in read.alerts if not asked.tickers or one.ticker in {None, *asked.tickers}),
        key=lambda one: (one.resolved_at is None, one.seq),
    )
    return ReportFacts(
        ledger_id=first.ledger_id.hex(),
        kind=first.kind,
        software=first.software,
        created_at=recorded_at(log, 0),
        chain=read.chain,
        lag_threshold_s=asked.lag_threshold_s,
        order=asked.order,
        action_order=asked.action_order,
        asked=asked.tickers,
        custody=read.custody[-LAST_ENTRIES:],
        custody_count=len(read.custody),
        newest={one.type: one for one in read.custody},
        alerts=tuple(alerts[-LAST_ENTRIES:]),
        alerts_count=len(alerts),
    )


def gathered(log: LogSource, view: View, known: ReportFacts) -> ReportFacts:
    """Return `known` with everything that the read models say as of its position.

    `view` stands there or further on. Ages count from the position's recorded time.

    Raises: NothingToShowError for a ticker of which there is nothing by then; what a fold raises.
    """
    position, state = known.chain.position, view.state
    if view.head.size != position:
        state = {**state, **view_at(log, position, [Metrics(), IngestLogs()]).state}
    now_us, lag_s = known.chain.recorded_at, known.lag_threshold_s
    health = {
        one.ticker: graded(report(one, now_us=now_us), lag_threshold_s=lag_s)
        for one in metrics.measured(state[metrics.NAME])
    }
    held = _held(state, position)
    names = {*health, *held}
    if unknown := sorted(set(known.asked) - names):
        wanted = f"one of {', '.join(sorted(names))}" if names else "one that was ingested"
        raise NothingToShowError(f"no ingest of {', '.join(unknown)} in the first {position} events", wanted=wanted)
    asked = sorted(set(known.asked) or names)
    chosen = {name: pick(held[name], known.order) for name in asked if name in held}
    left_out = frozenset() if known.asked else without_section(chosen, health)
    return msgspec.structs.replace(
        known,
        tickers=tuple(
            _ticker(log, state, Series(name, chosen[name]), health.get(name), known)
            if name in chosen
            else TickerFacts(ticker=name, health=health[name])
            for name in asked
            if name not in left_out
        ),
        left_out=len(left_out),
        sources=tuple(_sources({name: held[name] for name in chosen}, chosen)),
        runs=_entries(state, known.asked, failed=False),
        failures=_entries(state, known.asked, failed=True),
    )


def without_section(chosen: Mapping[str, str], health: Mapping[str, TickerReport]) -> frozenset[str]:
    """Return the tickers, of those read from a `chosen` provider or measured, that a page of all has no section of.

    Those that a provider was asked for have one each, those that files brought up to a bound, papers first: after them
    comes what shares a code with one, as contracts and auctions do.
    """
    providers = {**chosen, **{name: one.provider for name, one in health.items()}}
    by_hand = [name for name, provider in providers.items() if brought_by_hand(provider)]
    return frozenset(sorted(by_hand, key=lambda name: (code(name) != short(name), name))[BY_HAND_SECTIONS_MAX:])


def _held(state: State, position: int) -> SessionsHeld:
    """Return the sessions of each series that held any by then: what came later changes no choice."""
    found: SessionsHeld = {}
    tables = state[prices.NAME]
    for series in prices.all_series(tables):
        if days := tuple(prices.bars(tables, series, position)):
            found.setdefault(series.ticker, {})[series.provider] = days
    return found


def _ticker(
    log: LogSource, state: State, series: Series, health: TickerReport | None, known: ReportFacts
) -> TickerFacts:
    tables, position = state[prices.NAME], known.chain.position
    told = series.ticker in taped.tickers(state)
    seen = disputes.seen(log, state, series.ticker, position, known.action_order) if told else []
    measures = state[metrics.NAME]
    retired = retirements.in_force(measures).get(series.ticker)
    due = DueSessions(
        until=last_due(known.kind, known.chain.recorded_at),
        since=min(metrics.asked(measures, series).missing, default=None),
        ended=date.max if retired is None else retired.on,
        files=tuple(metrics.files(measures, series.provider, position)),
    )
    return TickerFacts(
        ticker=series.ticker,
        health=health,
        provider=series.provider,
        retired=retired,
        prices=tuple(series_rows.prices(tables, series, position)),
        changes=tuple(series_rows.changes(tables, series, position, everything=False)),
        missing=tuple(series_rows.missing_sessions(tables, series, due, position)),
        actions=tuple(series_rows.counting_actions(state, series.ticker, position, known.action_order)),
        doubted=tuple(disputes.rows(series.ticker, [one for one in seen if one.is_open])),
    )


def _sources(held: SessionsHeld, chosen: Mapping[str, str]) -> Iterator[SourceFacts]:
    for provider in sorted({provider for series in held.values() for provider in series}):
        sessions = {name: series[provider] for name, series in held.items() if provider in series}
        yield SourceFacts(
            provider=provider,
            tickers=len(sessions),
            read=sum(chosen[name] == provider for name in sessions),
            sessions=sum(map(len, sessions.values())),
            first=min(days[0] for days in sessions.values()),
            last=max(days[-1] for days in sessions.values()),
        )


def _entries(state: State, asked: tuple[str, ...], *, failed: bool) -> tuple[LogEntry, ...]:
    """Return the newest attempts (of the tickers `asked`, where any are), newest last."""
    found = [
        entry
        for ticker in asked or (None,)
        for entry in ingest_logs.entries(
            state[ingest_logs.NAME], Filter(ticker=ticker, failed=failed), limit=LAST_ENTRIES
        )
    ]
    newest = sorted(found, key=lambda entry: entry.seq)[-LAST_ENTRIES:]
    return tuple(to_python(LogEntry, **msgspec.structs.asdict(entry)) for entry in newest)
