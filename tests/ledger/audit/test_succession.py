"""Events follow from each other: decisions from evidence and from the state before them, or the log is tampered."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.audit.succession import Succession
from ledger.audit.verify import verify_ledger
from ledger.backup.verify import verify_archive
from ledger.codec import decode_envelope, decode_event
from ledger.events import IngestFailed, SnapshotWritten, ValidationCompleted
from ledger.files.scratch import ScratchMap
from ledger.store.home import LedgerHome
from tests.support.cli import REPOSITORY
from tests.support.committed import told
from tests.support.rechained import archived, body, changed, fields_of, folder_of, rewrite

Change = Callable[[list[bytes]], list[bytes]]
OLD = REPOSITORY / "tests" / "vectors" / "ledger-0.1.0" / "ledger.db"
stranger = runpy.run_path(str(REPOSITORY / "docs" / "examples" / "verify_states.py"))["verify"]

# The log that is changed: seq 0 its creation, then evidence and decision three times.
FETCH, DECISION, OTHER_FETCH, SECOND, THIRD = 1, 2, 3, 4, 6
BODIES = [record.body for record in told().log.read()]


def event(seq: int) -> ValidationCompleted:
    """Return the decision at `seq`."""
    found = decode_event(decode_envelope(seq, BODIES[seq]))
    assert isinstance(found, ValidationCompleted)
    return found


def at(seq: int, **fields: Any) -> Change:
    """Return a change of these fields of the event at `seq`."""
    return lambda bodies: changed(bodies, seq, **fields)


def dearer(bodies: list[bytes]) -> list[bytes]:
    """Raise the first close that the second decision accepts by a centavo."""
    bars = [list(msgspec.to_builtins(bar)) for bar in event(SECOND).bars]
    bars[0][4] += 10_000
    return changed(bodies, SECOND, data={"bars": bars})


def instead(seq: int, event: Any, cause: int | None) -> Change:
    """Return a change that puts another event in the place of the one at `seq`."""

    def change(bodies: list[bytes]) -> list[bytes]:
        fields = fields_of(bodies[seq])
        data = msgspec.msgpack.decode(msgspec.msgpack.encode(event))
        return [*bodies[:seq], body([*fields[:4], cause, "PETR4.SA", event.TAG, data]), *bodies[seq + 1 :]]

    return change


def snapshot(ticker: str = "PETR4.SA") -> SnapshotWritten:
    """Return a snapshot that was written."""
    return SnapshotWritten(
        ticker=ticker, provider="yfinance", name="a.csv", format_version=1, position=5, sha256=bytes(32), rows=1
    )


FAILED = IngestFailed(
    ticker="PETR4.SA", provider="yfinance", attempt=1, started_at=0, finished_at=1, stage="judge",
    error_kind="bad-answer", message="got none",
)  # fmt: skip

ONE_PAYMENT = msgspec.to_builtins(event(SECOND).actions[:1])

# What was done, at which seq it shows, and as what.
BAD: dict[str, tuple[Change, int, str]] = {
    "another price": (dearer, SECOND, "state after"),
    "no bars": (at(SECOND, data={"bars": []}), SECOND, "state after"),
    "an action less": (at(SECOND, data={"actions": ONE_PAYMENT}), SECOND, "state after"),
    "another before": (at(SECOND, data={"before": bytes(32)}), SECOND, "state before"),
    "no before": (at(SECOND, data={"before": None}), SECOND, "state before"),
    "no states": (at(SECOND, data={"before": None, "after": None}), SECOND, "state before"),
    "no after": (at(SECOND, data={"after": None}), SECOND, "state after"),
    "a rejected answer that leads on": (at(SECOND, data={"verdict": "rejected"}), SECOND, "state after"),
    "a decision less": (instead(SECOND, FAILED, None), THIRD, "state before"),
    "a decision about nothing": (at(SECOND, cause=None), SECOND, "cause"),
    "a decision about a decision": (at(SECOND, cause=DECISION), SECOND, "cause"),
    "a decision about event 0": (at(SECOND, cause=0), SECOND, "cause"),
    "a decision about another ticker's evidence": (at(FETCH, data={"ticker": "VALE3.SA"}), DECISION, "cause"),
    "a decision about another provider's evidence": (at(FETCH, data={"provider": "cotahist"}), DECISION, "cause"),
    "a snapshot of evidence": (instead(5, snapshot(), OTHER_FETCH), 5, "cause"),
    "a snapshot of another ticker": (instead(5, snapshot("VALE3.SA"), SECOND), 5, "cause"),
    "a failure of a decision": (instead(5, FAILED, SECOND), 5, "cause"),
}  # fmt: skip


@pytest.mark.damages("an event does not follow from those before it")
@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("name", BAD)
def test_what_does_not_follow_is_tampered(
    name: str, parts: int, home: LedgerHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its seq, in a ledger as in an archive, in one process as in several."""
    change, seq, kind = BAD[name]
    if parts > 1:
        monkeypatch.setattr("ledger.audit.rehash.WORTH_A_SECOND_PROCESS", 2)
        monkeypatch.setattr("ledger.backup.scan.WORTH_MORE_PROCESSES_BYTES", 1)
    bodies = change(BODIES)
    rewrite(folder_of(home), bodies)
    for report in (verify_ledger(home), verify_archive(archived(tmp_path / "a.db", bodies))):
        bad = report.first_bad
        assert bad is not None
        assert ("tampered", seq, kind, seq - 1) == (report.verdict, bad.seq, bad.kind, report.last_good_seq)


@pytest.mark.parametrize("name", [name for name, (_, _, kind) in BAD.items() if kind.startswith("state")])
def test_a_stranger_comes_to_the_same_seq(name: str, tmp_path: Path) -> None:
    """By docs/examples/verify_states.py, which knows docs/format.md and none of this code."""
    change, seq, kind = BAD[name]
    found = stranger(archived(tmp_path / "a.db", change(BODIES)))
    assert (seq, kind) == (found["first_bad"], f"state {found['field']}")


@pytest.mark.parametrize(
    "change",
    [
        lambda bodies: bodies,
        instead(5, snapshot(), SECOND),
        instead(5, snapshot(), None),
        instead(5, FAILED, OTHER_FETCH),
        instead(5, FAILED, None),
    ],
)
def test_what_follows_is_intact(change: Change, home: LedgerHome, tmp_path: Path) -> None:
    """A snapshot of a decision or of none, a failure of evidence or of none."""
    bodies = change(BODIES)[:THIRD]
    rewrite(folder_of(home), bodies)
    assert "intact" == verify_ledger(home).verdict == verify_archive(archived(tmp_path / "a.db", bodies)).verdict


def test_the_old_ledger_follows() -> None:
    """Decisions of version 1 commit to nothing; their evidence is there."""
    assert "intact" == verify_archive(OLD).verdict


@pytest.mark.damages("one event is changed, a later one does not follow")
def test_damage_before_it_is_what_is_named(home: LedgerHome) -> None:
    """The first event that does not hold, for whatever reason, is the one."""
    bodies = changed(dearer(BODIES), 1, data=None)
    rewrite(folder_of(home), bodies)
    bad = verify_ledger(home).first_bad
    assert (1, "data") == (bad and bad.seq, bad and bad.kind)


def test_a_walk_ends_where_nothing_decodes() -> None:
    """What comes behind it is nobody's to judge."""
    with Succession() as succession:
        assert None is succession.read(dearer(changed(BODIES, 1, data=None)), 0)
        assert succession.ended
        assert None is succession.read(BODIES[1:], 1)


@pytest.mark.parametrize("memory_bytes", [0, 400, 10**6])
def test_it_needs_no_memory(memory_bytes: int) -> None:
    """The same flaw with nothing in memory as with everything."""
    with Succession(ScratchMap(memory_bytes=memory_bytes)) as succession:
        assert None is succession.read(BODIES, 0)
    with Succession(ScratchMap(memory_bytes=memory_bytes)) as succession:
        flaw = succession.read(dearer(BODIES), 0)
        assert flaw is not None
        assert SECOND == flaw.seq
