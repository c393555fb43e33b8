"""Episodes of alerts: what was raised and is not over, and what a receiver has not been told of it yet. Pure.

Tables:
- `alerts`: (metric, ticker or nothing) -> the newest episode, until it is over and needs no message any more.
- `receivers`: (SHA-256 of a host) -> when it said that it wants no more, microseconds UTC; until it takes one again.
"""

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from ledger.codec import Envelope
from ledger.events import AlertOutcome, AlertRaised, AlertResolved, AlertSent, AlertSeverity, AlertTransition
from projections.fold.event_readers import Fact
from projections.fold.keys import text_key
from projections.fold.tables import Tables, encode

TABLES = ("alerts", "receivers")
KINDS = (AlertRaised, AlertSent, AlertResolved)
TAGS = frozenset(kind.TAG for kind in KINDS)
AlertEvent = AlertRaised | AlertSent | AlertResolved
Subject = tuple[str, str | None]  # metric, ticker


class Ending(msgspec.Struct, frozen=True, array_like=True):
    """When an episode was found to be over (microseconds UTC), by which job, and what became of the message."""

    found_at: int
    job_id: bytes
    outcome: AlertOutcome | None = None


class Episode(msgspec.Struct, frozen=True, array_like=True):
    """Something that was found wrong, from then on; `job_id` is the look that raised it, `outcome` its message's."""

    episode_id: bytes
    job_id: bytes
    metric: str
    ticker: str | None
    value: float
    threshold: float
    severity: AlertSeverity
    reason: str
    found_at: int  # microseconds UTC
    outcome: AlertOutcome | None = None
    ending: Ending | None = None

    @property
    def subject(self) -> Subject:
        """What it is about: of each subject at most one episode is open."""
        return self.metric, self.ticker

    @property
    def told(self) -> AlertOutcome | None:
        """What became of the newest message about it, None before any."""
        return self.outcome if self.ending is None else self.ending.outcome

    def untold(self) -> AlertTransition | None:
        """Return the message that a receiver still has to get, None where there is none."""
        if self.ending is not None:
            return "resolved"
        return "raised" if self.outcome in {None, "failed"} else None


_decode = msgspec.msgpack.Decoder(Episode).decode


def after(held: Episode | None, event: AlertEvent, job_id: bytes) -> Episode | None:
    """Return what is held of a subject after `event` of the job `job_id`.

    What a receiver never heard to be wrong it need not hear to be well again.
    """
    if isinstance(event, AlertRaised):
        what = (event.metric, event.ticker, event.value, event.threshold, event.severity, event.reason)
        return Episode(event.episode_id, job_id, *what, event.found_at)
    if held is None or held.episode_id != event.episode_id:
        return held
    if isinstance(event, AlertResolved):
        return replace(held, ending=Ending(event.found_at, job_id)) if held.outcome == "delivered" else None
    if event.transition == "raised":
        return replace(held, outcome=event.outcome)
    if held.ending is None or event.outcome != "failed":
        return None
    return replace(held, ending=replace(held.ending, outcome=event.outcome))


def apply(tables: Tables, envelope: Envelope, fact: Fact) -> None:
    """Bring the episode that the event is of up to date, and what is known of its receiver."""
    assert isinstance(fact, AlertRaised | AlertSent | AlertResolved)  # noqa: S101 - the table of folds is by type
    key = text_key(fact.metric, fact.ticker or "")
    held = tables["alerts"].load(key, _decode)
    now = after(held, fact, envelope.job_id)
    if now is not None:
        tables["alerts"].store(key, now)
    elif held is not None:
        tables["alerts"].delete(key)
    if isinstance(fact, AlertSent) and fact.outcome == "gone":
        tables["receivers"].put(fact.host_hash, encode(fact.finished_at))
    elif isinstance(fact, AlertSent) and tables["receivers"].get(fact.host_hash) is not None:
        tables["receivers"].delete(fact.host_hash)


def episodes(tables: Tables) -> Iterator[Episode]:
    """Yield the newest episode of each subject that is open, or of whose end a receiver must still hear."""
    for _, value in tables["alerts"].scan():
        yield _decode(value)


def gone(tables: Tables) -> Iterator[bytes]:
    """Yield the SHA-256 of each host that wants no more messages."""
    for key, _ in tables["receivers"].scan():
        yield key
