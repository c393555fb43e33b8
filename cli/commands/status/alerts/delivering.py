"""The messages that a receiver still has to get, the gravest first, and what comes of sending them."""

import time
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from cli.app import output
from cli.commands.status.alerts import webhook
from cli.commands.status.alerts.post import host_hash
from cli.commands.status.alerts.webhook import Deadline, Sent
from ledger.events import AlertSent, AlertTransition
from ledger.urls import host_of
from projections.models.alert_episodes import Episode


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """Where messages go: `by_hand` when somebody named it for this one look, whatever it said before."""

    url: str
    keys: Sequence[bytes]
    timeout_s: float
    by_hand: bool


class Delivery:
    """One look's deliveries; `undelivered` once a message could not be brought to its receiver."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._deadline = Deadline(webhook.DEADLINE_TIMEOUTS * receiver.timeout_s)
        self.undelivered = False

    def sent(self, held: Iterable[Episode], gone: Sequence[bytes]) -> Iterator[AlertSent]:
        """Send what is untold of `held`, and yield what is new about each message.

        Of a message that failed before, another failure is not new. A receiver that is away, or wants to be left
        alone, gets no further message in this look.
        """
        receiver, host = self._receiver, host_hash(self._receiver.url)
        due = ((one, transition) for one in held if (transition := one.untold()) is not None)
        untold = sorted(due, key=lambda pair: (pair[0].severity, pair[0].found_at))
        if untold and host in gone and not receiver.by_hand:
            self._complain("410 Gone earlier, and nothing was sent", untold[0][0])
            return
        for episode, transition in untold:
            done = webhook.send(
                receiver.url,
                webhook.message(episode, transition),
                receiver.keys,
                timeout_s=receiver.timeout_s,
                deadline=self._deadline,
            )
            if done is None:
                self._complain("no time left", episode)
                return
            outcome, _, reply = done
            if outcome != "delivered":
                self._complain(reply.words(), episode)
            if outcome != episode.told:
                yield _event(episode, transition, done, host)
            away = reply.status is None or reply.status in webhook.MAY_RETRY
            if outcome == "gone" or (outcome == "failed" and away):
                return

    def _complain(self, words: str, episode: Episode) -> None:
        self.undelivered = True
        subject = f"{episode.metric} of {episode.ticker}" if episode.ticker else episode.metric
        place = host_of(self._receiver.url)
        output.say(f"warning: webhook: got {words} from {place} for {subject}, want a status of 2xx")


def _event(episode: Episode, transition: AlertTransition, done: Sent, host: bytes) -> AlertSent:
    outcome, attempts, reply = done
    return AlertSent(
        episode_id=episode.episode_id,
        metric=episode.metric,
        ticker=episode.ticker,
        transition=transition,
        outcome=outcome,
        attempts=attempts,
        status_code=reply.status,
        host_hash=host,
        finished_at=time.time_ns() // 1000,
    )
