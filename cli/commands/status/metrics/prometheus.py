"""Metrics as Prometheus scrapes them, rendered by its own library; base units, one family per fact."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cli.commands.status.metrics.scrape import Surroundings
from projections.models.metrics import runs
from projections.models.newest_proofs import last_backup, last_checkpoint, last_verification
from projections.queries.metrics_report import SEVERITIES, TickerReport
from projections.store.store import View

US_A_S = 1_000_000
MS_A_S = 1_000
PREFIX = "b3ledger_"
OF_TICKER = ("ticker", "provider")
ALL = ""  # the ticker of a provider that is brought by hand: all of it is one

Sample = tuple[Sequence[str], float | None]  # the values of its labels, and its own; None: no such sample
Figure = Callable[[TickerReport], float | None]

FIGURES_OF_TICKER: tuple[tuple[str, str, Figure], ...] = (
    (
        "ingest_last_success_timestamp_seconds",
        "When the last ingest that was accepted finished.",
        lambda one: None if one.last_ingest is None else one.last_ingest / US_A_S,
    ),
    (
        "ingest_lag_seconds",
        "Time since the last ingest that was accepted.",
        lambda one: one.ingest_lag_seconds,
    ),
    (
        "ingest_duration_seconds",
        "Mean duration of the last 30 final attempts.",
        lambda one: one.job_latency_ms / MS_A_S,
    ),
    ("ingest_recent_failures", "Failures among the last 30 final attempts.", lambda one: one.error_count),
    ("ingest_consecutive_failures", "Failures since the last ingest.", lambda one: one.consecutive_failures),
    ("ingest_fetched_rows", "Rows of the last ingest that was accepted.", lambda one: one.rows_fetched),
    ("held_rows", "Sessions added since the ledger began.", lambda one: one.rows_total),
    ("ingest_rejected_rows", "Rows that the last final attempt rejected.", lambda one: one.rejected),
    ("ingest_flagged_findings", "Findings that flag the last final attempt.", lambda one: one.flagged),
    ("ingest_warned_findings", "Findings that the last final attempt warned of.", lambda one: one.warned),
    ("missing_sessions", "B3 sessions that accepted answers lacked.", lambda one: one.missing),
    ("sessions_behind", "B3 sessions final since the last one held.", lambda one: one.sessions_behind),
    (
        "ticker_severity",
        "How bad it is by main metrics: 0 ok, 1 warning, 2 critical.",
        lambda one: SEVERITIES.index(one.severity),
    ),
)


def exposition(view: View | None, reports: Sequence[TickerReport], around: Surroundings) -> bytes:
    """Return the text that Prometheus scrapes: of the reports given, of the log as a whole, and of what is around it.

    `view` is None where the log cannot be read: `b3ledger_up` is 0 then, and there are no figures of the log.
    """
    registry = CollectorRegistry()
    registry.register(_Found(view, reports, around))
    return generate_latest(registry)


class _Found(Collector):
    """What was found, collected whole at each scrape."""

    def __init__(self, view: View | None, reports: Sequence[TickerReport], around: Surroundings) -> None:
        self._view = view
        self._reports = reports
        self._around = around

    def collect(self) -> Iterator[Metric]:
        yield _gauge("up", "Whether the ledger could be read.", (), [((), self._view is not None)])
        made = None if self._around.made_us is None else self._around.made_us / US_A_S
        for name, purpose, value in (
            ("page_timestamp_seconds", "When this page was made.", made),
            ("free_bytes", "What may still be written on the ledger's disk.", self._around.free_bytes),
            ("bad_verdict", "Whether the mark of a bad verification stops writers.", self._around.marked),
        ):
            yield _gauge(name, purpose, (), [((), value)])
        if self._view is None:
            return
        # Of a series that ended no alarm is raised: it has no sample that grows with time.
        going_on = [one for one in self._reports if one.retired_on is None]
        for name, purpose, figure in FIGURES_OF_TICKER:
            samples = [((one.ticker or ALL, one.provider), figure(one)) for one in going_on]
            yield _gauge(name, purpose, OF_TICKER, samples)
        purpose = "Whether a person recorded that the series ended."
        yield _gauge("retired", purpose, ("ticker",), [((r.ticker or ALL,), 1) for r in self._reports if r.retired_on])
        yield _runs(
            self._view, {one.ticker for one in self._reports}, {r.provider for r in self._reports if r.ticker is None}
        )
        yield from _of_proofs(self._view)
        unsized = sum(one.unsized_actions for one in self._reports)
        told_apart = sum(one.disputed_actions for one in self._reports)
        purpose = "Corporate actions that witnesses differ on, or of which nobody knows the size."
        yield _gauge("disputed_actions", purpose, (), [((), told_apart + unsized)])
        yield _gauge("unsized_actions", "Those of them of which nobody knows the size.", (), [((), unsized)])
        head = self._view.head.size - 1 if self._view.head.size else None
        yield _gauge("head_sequence", "Sequence number of the last event.", (), [((), head)])


def _of_proofs(view: View) -> Iterator[Metric]:
    tables = view.state["metrics"]
    signed = last_checkpoint(tables)
    for name, purpose, newest in (
        ("backup", "When the last backup was recorded; each is read again and checked first.", last_backup(tables)),
        ("verification", "When the log was last recorded to be intact.", last_verification(tables)),
        ("checkpoint", "When the last checkpoint was recorded.", signed),
    ):
        at = None if newest is None else newest.recorded_at / US_A_S
        yield _gauge(f"{name}_last_success_timestamp_seconds", purpose, (), [((), at)])
    uncovered = None if signed is None else view.head.size - signed.size
    yield _gauge("checkpoint_uncovered_events", "Events that no checkpoint covers yet.", (), [((), uncovered)])


def _runs(view: View, tickers: set[str | None], brought: set[str]) -> Metric:
    counted: Counter[tuple[str, str]] = Counter()
    for one in runs(view.state["metrics"]):
        if one.provider in brought:
            counted[ALL, one.status] += one.runs
        elif one.ticker in tickers:
            counted[one.ticker, one.status] += one.runs
    family = CounterMetricFamily(
        f"{PREFIX}ingest_runs", "Final attempts by how they ended.", labels=("ticker", "status")
    )
    for labels, count in counted.items():
        family.add_metric(labels, count)
    return family


def _gauge(name: str, purpose: str, labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}{name}", purpose, labels=labels)
    for values, value in samples:
        if value is not None:
            family.add_metric(values, value)
    return family
