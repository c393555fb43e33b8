"""What `main alerts` prints of one thing that is wrong. Pure."""

import msgspec

from cli.render import times
from cli.render.table import TableColumn
from ledger import ids
from ledger.events import AlertOutcome, AlertSeverity
from projections.models.alert_episodes import Episode
from projections.queries.alarms import Alarm


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong now.

    `timestamp` is when it was raised and `job_id` the look that raised it; where it never was, both are this look's.
    `value` and `threshold` are seconds, percent, sessions or bytes, by the metric.
    """

    job_id: str
    ticker: str | None
    metric: str
    value: int | float
    threshold: int | float
    timestamp: str
    severity: AlertSeverity
    reason: str
    episode_id: str | None = None  # null unless it was raised
    delivery: AlertOutcome | None = None  # of the message that it was raised


def row(alarm: Alarm, episode: Episode | None, *, job_id: bytes, now_us: int) -> AlertRow:
    """Return what is printed of `alarm`, whose open episode is `episode`."""
    return AlertRow(
        job_id=ids.text(episode.job_id if episode else job_id),
        ticker=alarm.ticker,
        metric=alarm.metric,
        value=_number(alarm.value),
        threshold=_number(alarm.threshold),
        timestamp=times.text(episode.found_at if episode else now_us),
        severity=alarm.severity,
        reason=alarm.reason,
        episode_id=ids.text(episode.episode_id) if episode else None,
        delivery=episode.outcome if episode else None,
    )


def text(one: AlertRow) -> str:
    """Return it on one line."""
    since = "" if one.episode_id is None else f" | since {one.timestamp}"
    told = "" if one.delivery is None else f" | {one.delivery}"
    return f"{one.severity}: {subject(one)} | {one.reason}{since}{told}"


def subject(one: AlertRow) -> str:
    """Return what it is about."""
    return one.metric if one.ticker is None else f"{one.metric} {one.ticker}"


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else round(value, 3)


# What a terminal shows, what matters most first.
TABLE: tuple[TableColumn[AlertRow], ...] = (
    TableColumn("SEVERITY", lambda one: one.severity),
    TableColumn("METRIC", lambda one: one.metric),
    TableColumn("TICKER", lambda one: one.ticker or ""),
    TableColumn("REASON", lambda one: one.reason, is_cut=True),
    TableColumn("SINCE", lambda one: "" if one.episode_id is None else one.timestamp),
    TableColumn("DELIVERY", lambda one: one.delivery or ""),
)
