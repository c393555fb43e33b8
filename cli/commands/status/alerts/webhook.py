"""Messages by the Standard Webhooks specification: what they say, how they are signed, and what comes of sending one.

Source: docs/format.md, "Alerts"; https://www.standardwebhooks.com, version 1.0.0.
"""

import hmac
import time
from base64 import b64encode
from collections.abc import Callable, Sequence

import msgspec

from cli.commands.status.alerts.post import PostReply, post
from cli.render import times
from ledger import ids
from ledger.events import AlertOutcome, AlertTransition
from projections.models.alert_episodes import Episode

ATTEMPTS = 3
DEADLINE_TIMEOUTS = 4  # all messages of one look share so many times what one attempt may take
BACKOFF_S = 1.0
GONE = 410
MAY_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})  # other answers are not other a second later

Sent = tuple[AlertOutcome, int, PostReply]  # the outcome, after how many attempts, the last reply


class Deadline:
    """How long all deliveries of one look may take together."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def left_s(self) -> float:
        """Return how many seconds are left, 0 where there are none."""
        return max(0.0, self._until - time.monotonic())


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says of its episode; as `main alerts` prints it, and whether it began or ended."""

    job_id: str
    ticker: str | None
    metric: str
    value: float
    threshold: float
    timestamp: str
    severity: str
    reason: str
    episode_id: str
    transition: AlertTransition


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a message."""

    type: str
    timestamp: str
    data: Data


def message(episode: Episode, transition: AlertTransition) -> tuple[str, bytes]:
    """Return the id and the body of the message about that; the same ones however often it is sent."""
    name = ids.text(episode.episode_id)
    ending = episode.ending if transition == "resolved" else None
    at, job_id = (episode.found_at, episode.job_id) if ending is None else (ending.found_at, ending.job_id)
    data = Data(
        job_id=ids.text(job_id),
        ticker=episode.ticker,
        metric=episode.metric,
        value=episode.value,
        threshold=episode.threshold,
        timestamp=times.text(at),
        severity=episode.severity,
        reason=episode.reason,
        episode_id=name,
        transition=transition,
    )
    body = Message(type=episode.metric, timestamp=times.text(at), data=data)
    return f"msg_{name}_{transition}", msgspec.json.encode(body)


def signed(message_id: str, body: bytes, keys: Sequence[bytes], *, now_s: int) -> dict[str, str]:
    """Return the headers of a message: its id, when it is sent, and one signature by each of `keys`."""
    content = f"{message_id}.{now_s}.".encode() + body
    marks = (b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys)
    return {
        "content-type": "application/json",
        "user-agent": "b3-ledger",
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(f"v1,{mark}" for mark in marks),
    }


def send(
    url: str,
    named: tuple[str, bytes],
    keys: Sequence[bytes],
    *,
    timeout_s: float,
    deadline: Deadline,
    sleep: Callable[[float], object] = time.sleep,
) -> Sent | None:
    """Send the message `named` (id, body) and return what came of it; None where no time was left to try.

    Tried again, after what the receiver asks for or twice as long each time, while that ends before the deadline.
    """
    outcome: AlertOutcome = "failed"
    last, attempts = None, 0
    while attempts < ATTEMPTS and (left_s := deadline.left_s()):
        headers = signed(*named, keys, now_s=int(time.time()))
        last = post(url, named[1], headers, timeout_s=min(timeout_s, left_s))
        attempts += 1
        if last.taken or last.status == GONE:
            outcome = "delivered" if last.taken else "gone"
            break
        wait_s = BACKOFF_S * 2 ** (attempts - 1) if last.retry_after_s is None else last.retry_after_s
        if (last.status is not None and last.status not in MAY_RETRY) or wait_s >= deadline.left_s():
            break
        if attempts < ATTEMPTS:
            sleep(wait_s)
    return None if last is None else (outcome, attempts, last)
