"""An episode lasts from the event that raised it to the last message that is owed about it."""

import pytest

from ledger.events import AlertOutcome, AlertRaised, AlertResolved, AlertSent, AlertTransition, Event
from projections.fold.folding import replayed
from projections.models.alert_episodes import Ending, Episode, episodes, gone
from projections.store.registry import ALL
from tests.projections.story import Story

ONE, OTHER = bytes(16), bytes(15) + b"\1"
JOB = (1).to_bytes(16, "big")
HOST = bytes(32)
METRIC = "backup.age"


def raised(episode_id: bytes = ONE) -> Event:
    """Return the beginning of an episode."""
    return AlertRaised(
        episode_id=episode_id,
        metric=METRIC,
        ticker=None,
        value=9.0,
        threshold=5.0,
        severity="warning",
        reason="got 9s",
        found_at=7,
    )


def sent(transition: AlertTransition, outcome: AlertOutcome, episode_id: bytes = ONE) -> Event:
    """Return what became of a message."""
    return AlertSent(
        episode_id=episode_id,
        metric=METRIC,
        ticker=None,
        transition=transition,
        outcome=outcome,
        attempts=1,
        status_code=None,
        host_hash=HOST,
        finished_at=8,
    )


def resolved(episode_id: bytes = ONE) -> Event:
    """Return the end of an episode."""
    return AlertResolved(episode_id=episode_id, metric=METRIC, ticker=None, severity="warning", found_at=9)


def held(*events: Event) -> tuple[list[Episode], list[bytes]]:
    """Return the episodes, and the hosts that want no more, after `events`."""
    story = Story()
    for event in events:
        story.add(event)
    tables = replayed(story.log.read(), ALL)[1]["metrics"]
    return list(episodes(tables)), list(gone(tables))


def episode(outcome: AlertOutcome | None = None, ending: Ending | None = None, episode_id: bytes = ONE) -> Episode:
    """Return the episode as it is held."""
    return Episode(episode_id, JOB, METRIC, None, 9.0, 5.0, "warning", "got 9s", 7, outcome, ending)


DELIVERED = (raised(), sent("raised", "delivered"))
FAILED_END = Ending(9, JOB, "failed")


@pytest.mark.parametrize(
    ("events", "expected", "untold"),
    [
        ([raised()], [episode()], "raised"),
        ([raised(), sent("raised", "failed")], [episode("failed")], "raised"),
        ([*DELIVERED], [episode("delivered")], None),
        ([raised(), resolved()], [], None),
        ([raised(), sent("raised", "failed"), resolved()], [], None),
        ([*DELIVERED, resolved()], [episode("delivered", Ending(9, JOB))], "resolved"),
        ([*DELIVERED, resolved(), sent("resolved", "failed")], [episode("delivered", FAILED_END)], "resolved"),
        ([*DELIVERED, resolved(), sent("resolved", "delivered")], [], None),
        ([*DELIVERED, resolved(), sent("resolved", "gone")], [], None),
        ([*DELIVERED, resolved(), raised(OTHER)], [episode(episode_id=OTHER)], "raised"),
        ([raised(), resolved(OTHER), sent("raised", "delivered", OTHER)], [episode()], "raised"),
        ([resolved()], [], None),
    ],
)
def test_an_episode_is_held_while_somebody_must_hear_of_it(
    events: list[Event], expected: list[Episode], untold: str | None
) -> None:
    """Who never heard that something is wrong need not hear that it is well; an event of another episode is none."""
    found, _ = held(*events)
    assert (expected, [untold] if expected else []) == (found, [one.untold() for one in found])


def test_who_wants_no_more_is_known_until_it_takes_a_message() -> None:
    """By its host's hash."""
    assert [HOST] == held(raised(), sent("raised", "gone"))[1]
    assert [] == held(raised(), sent("raised", "gone"), raised(OTHER), sent("raised", "delivered", OTHER))[1]
