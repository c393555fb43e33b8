"""Which episodes begin and which end, from what is wrong now and what is open. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec
from blake3 import blake3

from ledger.events import AlertRaised, AlertResolved
from ledger.ids import ID_BYTES
from projections.models.alert_episodes import Episode, Subject
from projections.queries.alarms import Alarm

_CONTEXT = b"b3-ledger alert v1"
REASON_CHARS = 1000  # a message has at most 20 kB


def begun(
    alarms: Iterable[Alarm], held: Mapping[Subject, Episode], *, ledger_id: bytes, size: int, now_us: int
) -> Iterator[AlertRaised]:
    """Yield the episodes that begin: of a subject that has none open, or that has become critical.

    `size` is how many events the log had: with it the same finding has the same id, however often it is worked out.
    """
    for alarm in alarms:
        episode = held.get(alarm.subject)
        if episode and not episode.ending and alarm.severity in {episode.severity, "warning"}:
            continue
        yield AlertRaised(
            episode_id=episode_id(alarm, ledger_id=ledger_id, size=size),
            metric=alarm.metric,
            ticker=alarm.ticker,
            value=float(alarm.value),
            threshold=float(alarm.threshold),
            severity=alarm.severity,
            reason=alarm.reason[:REASON_CHARS],
            found_at=now_us,
        )


def ended(
    alarms: Iterable[Alarm], held: Mapping[Subject, Episode], *, judged: Collection[str], now_us: int
) -> Iterator[AlertResolved]:
    """Yield the ends of open episodes whose subject is well again; of metrics not in `judged` nothing is known."""
    wrong = {alarm.subject for alarm in alarms}
    for subject, episode in held.items():
        if not episode.ending and subject not in wrong and episode.metric in judged:
            yield AlertResolved(
                episode_id=episode.episode_id,
                metric=episode.metric,
                ticker=episode.ticker,
                severity=episode.severity,
                found_at=now_us,
            )


def episode_id(alarm: Alarm, *, ledger_id: bytes, size: int) -> bytes:
    """Return the id of the episode that `alarm` opens when the log has `size` events.

    Source: docs/format.md, "Alerts".
    """
    named = msgspec.msgpack.encode([ledger_id, alarm.metric, alarm.ticker, alarm.severity, size])
    return blake3(_CONTEXT + named).digest(length=ID_BYTES)
