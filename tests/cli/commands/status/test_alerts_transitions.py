"""What begins and what ends, from what is wrong and what is open."""

from msgspec.structs import replace

from cli.commands.status.alerts import transitions
from ledger.events import AlertRaised
from projections.models.alert_episodes import Ending, Episode, Subject
from projections.queries.alarms import Alarm

LEDGER, JOB = bytes(16), bytes(range(16))
MILD = Alarm(metric="disk.free", value=9, threshold=10, severity="warning", reason="got 9 bytes")
GRAVE = replace(MILD, value=1, severity="critical")


def held(alarm: Alarm, ending: Ending | None = None) -> dict[Subject, Episode]:
    """Return the open episode of `alarm`."""
    what = (alarm.metric, alarm.ticker, float(alarm.value), float(alarm.threshold), alarm.severity, alarm.reason)
    return {alarm.subject: Episode(bytes(16), JOB, *what, 5, "delivered", ending)}


def begun(alarm: Alarm, known: dict[Subject, Episode], size: int = 7) -> list[AlertRaised]:
    """Return what begins."""
    return list(transitions.begun([alarm], known, ledger_id=LEDGER, size=size, now_us=9))


def test_what_is_open_does_not_begin_again_unless_it_becomes_critical() -> None:
    """What is over begins anew; what becomes milder goes on."""
    counts = [
        len(begun(alarm, known))
        for alarm, known in (
            (MILD, {}), (MILD, held(MILD)), (GRAVE, held(MILD)), (GRAVE, held(GRAVE)), (MILD, held(GRAVE)),
            (MILD, held(MILD, Ending(6, JOB))),
        )
    ]  # fmt: skip
    assert [1, 0, 1, 0, 0, 1] == counts


def test_an_id_is_the_same_however_often_it_is_worked_out() -> None:
    """Another position, severity, subject or ledger has another one."""
    first = transitions.episode_id(MILD, ledger_id=LEDGER, size=7)
    assert first == transitions.episode_id(replace(MILD, value=2), ledger_id=LEDGER, size=7)
    others = {
        transitions.episode_id(MILD, ledger_id=LEDGER, size=8),
        transitions.episode_id(GRAVE, ledger_id=LEDGER, size=7),
        transitions.episode_id(replace(MILD, ticker="PETR4.SA"), ledger_id=LEDGER, size=7),
        transitions.episode_id(MILD, ledger_id=bytes(15) + b"\1", size=7),
    }
    assert (4, False) == (len(others), first in others)


def test_what_was_not_judged_does_not_end() -> None:
    """Of a ledger that cannot be read nothing is known to be well again."""
    for judged, alarms, expected in ((["disk.free"], [], 1), ([], [], 0), (["disk.free"], [MILD], 0)):
        assert expected == len(list(transitions.ended(alarms, held(MILD), judged=judged, now_us=9)))
    over = held(MILD, Ending(6, JOB))
    assert [] == list(transitions.ended([], over, judged=["disk.free"], now_us=9))


def test_a_reason_has_its_length() -> None:
    """A message has at most 20 kB."""
    (event,) = begun(replace(MILD, reason="x" * 5000), {})
    assert 1000 == len(event.reason)
