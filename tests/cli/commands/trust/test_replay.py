"""`main replay` prints what the events alone make of each read model."""

from pathlib import Path

import pytest

from cli.app.exit_codes import Exit
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.store import replaying
from projections.store.registry import ALL
from tests.support.sample_ledger import EVENTS, look


def digests(sample: Path, stop: int) -> list[dict[str, object]]:
    """Return what the first `stop` events give, by a replay in this process."""
    with EventLog(LedgerHome(sample / "dados" / "sample"), now=lambda: 0, readonly=True) as log:
        found = replaying.replay(log, stop)
    return [{"projection": one.name, "version": one.version, "events": stop, "digest": found[one.name]} for one in ALL]


@pytest.mark.parametrize(
    ("args", "stop"),
    [
        ([], EVENTS),
        (["--until", "2"], 3),
        (["--until", "99"], EVENTS),
        (["--until", "2026-02-13"], EVENTS),
    ],
)
def test_digests_are_of_the_events_asked_for(args: list[str], stop: int, sample: Path) -> None:
    """A seq is inclusive, a day whole, a time a bound."""
    found = look("replay", *args, "--format", "json", cwd=sample)
    assert (Exit.OK, digests(sample, stop)) == (found.code, found.lines())


@pytest.mark.parametrize(
    ("until", "by"), [("2026-02-12", "2026-02-12T23:59:59Z"), ("2026-02-13T22:59:59Z", "2026-02-13T22:59:59Z")]
)
def test_a_time_before_the_first_event_has_nothing_to_replay(until: str, by: str, sample: Path) -> None:
    """Rather than the digests of nothing; what would do is named."""
    found = look("replay", "--until", until, cwd=sample)
    wanted = f"error: got no event recorded by {by}, want a time from 2026-02-13T23:00:00Z on"
    assert (3, "", wanted) == (found.code, found.out, found.err.splitlines()[0])


def test_a_bound_that_is_none_is_refused(sample: Path) -> None:
    """With what would do."""
    found = look("replay", "--until", "soon", cwd=sample)
    assert (
        3,
        "error: got 'soon', want a seq, a day as YYYY-MM-DD or a time such as 2026-02-15T12:34:56Z (--until)",
    ) == (
        found.code,
        found.err.splitlines()[0],
    )
