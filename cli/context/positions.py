"""How far into the log a command reads, as `--as-of`, `--from`, `--to` and `--until` say it."""

from cli.app import output
from cli.render import times
from ledger.errors import NothingToShowError
from ledger.log_source import LogSource
from projections.queries.position import UpTo, UpToSeq, position_of, recorded_at


def reached(log: LogSource, up_to: UpTo | None) -> int:
    """Return how many events `up_to` includes, all of them for None; a seq past the last one is remarked on.

    Raises: NothingToShowError for a time before the first event.
    """
    size = log.head().size
    if up_to is None:
        return size
    if isinstance(up_to, UpToSeq) and up_to.seq >= size:
        output.say(f"warning: got seq {up_to.seq}, and the last one is {size - 1}: shown as of that", explains=False)
    position = position_of(log, up_to)
    if position == 0 and size and not isinstance(up_to, UpToSeq):
        first = times.text(recorded_at(log, 0))
        raise NothingToShowError(f"no event recorded by {times.text(up_to.at_us)}", wanted=f"a time from {first} on")
    return position
