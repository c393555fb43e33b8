"""`main audit` over ledgers that runs and imports made: all is derived again, until somebody changes an event."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.backup.verify import verify_archive
from ledger.codec import decode_envelope, decode_event
from ledger.events import FetchSucceeded, SnapshotWritten, ValidationCompleted
from ledger.market.sessions import sessions
from ledger.values import Window
from tests.e2e.workplace import Workplace, at
from tests.support import cotahist
from tests.support.following import restated
from tests.support.rechained import archived, changed, folder_of, rewrite, stored_bodies
from tests.support.yahoo_series import Series, add, correct, dividend, flat, make_series, split, widened, withdraw
from tests.support.yahoo_server import YahooServer

TICKERS = ("PETR4.SA", "VALE3.SA", "ITUB4.SA", "BBAS3.SA")
DAYS = sessions(Window(date(2025, 11, 3), date(2026, 2, 12)))
FIRST_RUN = DAYS.index(date(2026, 1, 20))
IMPORTED = ("ABEV3.SA", "PETR4.SA", "WEGE3.SA")

Change = Callable[[list[bytes]], tuple[list[bytes], int]]


def evening(day: date) -> datetime:
    """Return seven in the evening in São Paulo: the day's session is final."""
    return datetime.combine(day, time(22), UTC)


def told(number: int, day: date) -> Series:
    """Return what Yahoo says of ticker `number` on the evening of `day`; it changes its mind now and then."""
    series = make_series(DAYS, seed=number, close=20.0 + 7 * number)
    n = DAYS.index(day)
    if n >= FIRST_RUN + 2:
        price = widened(series.days[FIRST_RUN].close * 1.01)
        series = correct(series, DAYS[FIRST_RUN], close=price, adj_close=price, high=widened(price + 1))
    if n >= FIRST_RUN + 3:
        series = dividend(series, DAYS[FIRST_RUN + 3], 0.35)
    if n >= FIRST_RUN + 5:
        series = withdraw(series, DAYS[FIRST_RUN + 4])
    if number == 1 and n >= FIRST_RUN + 6:
        series = split(series, DAYS[FIRST_RUN + 6], 2)
    if number == 2:
        series = correct(series, DAYS[FIRST_RUN + 1], low=widened(99.0))  # a rejected row
        series = add(series, flat(DAYS[FIRST_RUN - 3], 5.0))  # and a day that came twice
    return msgspec.structs.replace(series, days=tuple(row for row in series.days if row.date <= day))


def imported(folder: Path) -> Path:
    """Return a file of the exchange with three tickers and one row in a former currency."""
    lines = [
        cotahist.line(day, ticker.removesuffix(".SA"), 1_000 + 13 * n + len(ticker))
        for n, day in enumerate(DAYS[:30])
        if day.year == 2025
        for ticker in IMPORTED
    ]
    return cotahist.made(folder / "COTAHIST_A2025.TXT", lines)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """Eight evenings of four tickers, and a file; the oracle looks at it at the end."""
    with YahooServer() as server:
        place = Workplace(tmp_path_factory.mktemp("audited"), server)
        for day in DAYS[FIRST_RUN : FIRST_RUN + 8]:
            server.now = evening(day)
            for number, ticker in enumerate(TICKERS):
                server.series[ticker] = told(number, day)
            tickers = [word for ticker in TICKERS for word in ("--ticker", ticker)]
            place.run(*tickers, B3_LEDGER_NOW=at(server.now))
        place.run("import-cotahist", str(imported(place.folder)), B3_LEDGER_NOW=at(evening(date(2026, 2, 12))))
        yield place
        place.close()


@pytest.fixture(scope="module")
def bodies(made: Workplace) -> list[bytes]:
    """Return the events of that ledger, as stored."""
    return stored_bodies(folder_of(made.home))


def seqs(bodies: list[bytes], kind: type, wanted: Callable[[Any], bool] = lambda _: True) -> list[int]:
    """Return where events of a type are that are `wanted`."""
    events = [decode_event(decode_envelope(seq, body)) for seq, body in enumerate(bodies)]
    return [seq for seq, event in enumerate(events) if isinstance(event, kind) and wanted(event)]


def audited(made: Workplace, *args: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code of `main audit`, and its row."""
    done = made.run("audit", "--format", "json", *args)
    assert done.code < 3, done.err
    (row,) = done.lines()
    return done.code, row


def test_everything_is_derived_again_and_the_same(made: Workplace, bodies: list[bytes]) -> None:
    """Corrections, dividends, a split, withdrawn sessions, rejected rows, and what was imported."""
    code, row = audited(made)
    decisions = [decode_event(decode_envelope(seq, bodies[seq])) for seq in seqs(bodies, ValidationCompleted)]
    assert (0, "same", None, []) == (code, row["verdict"], row["first_difference"], row["not_derived"])
    assert (len(bodies), len(decisions)) == (row["events"], row["decisions"])
    assert (len(seqs(bodies, FetchSucceeded)), len(seqs(bodies, SnapshotWritten))) == (row["answers"], row["snapshots"])
    for what in ("revised", "withdrawn", "rejected", "flagged", "actions"):
        assert any(getattr(one, what) for one in decisions), what
    assert {"superseded", "success", "warning"} <= {one.verdict for one in decisions}
    assert {"cotahist", "yfinance"} == {one.provider for one in decisions}


def test_it_writes_nothing(made: Workplace) -> None:
    """Not a byte of the folder is another one."""
    before = made.tree()
    audited(made)
    assert before == made.tree()


def test_a_backup_is_audited_as_the_ledger_is(made: Workplace, bodies: list[bytes], tmp_path: Path) -> None:
    """And from a seq, a day or a time on, only what came later is derived."""
    backup = archived(tmp_path / "b.db", bodies)
    code, row = audited(made, "--ledger", str(backup))
    assert (0, "same", len(bodies)) == (code, row["verdict"], row["events"])
    whole = row["decisions"]
    half = len(bodies) // 2
    code, row = audited(made, "--ledger", str(backup), "--since", str(half))
    assert (0, half) == (code, row["since"])
    assert row["decisions"] == len([seq for seq in seqs(bodies, ValidationCompleted) if seq >= half]) < whole
    day = evening(DAYS[FIRST_RUN + 4]).date()
    code, row = audited(made, "--ledger", str(backup), "--since", day.isoformat())
    times = [decode_envelope(seq, body).recorded_at for seq, body in enumerate(bodies)]
    start = datetime.combine(day, time(0), UTC).timestamp() * 1_000_000
    assert (0, next(seq for seq, at_us in enumerate(times) if at_us >= start)) == (code, row["since"])


def dearer(bodies: list[bytes]) -> tuple[list[bytes], int]:
    """Raise one accepted close by a centavo, and every state from there on with it."""
    seq = seqs(bodies, ValidationCompleted, lambda one: bool(one.bars) and one.provider == "yfinance")[5]
    event = decode_event(decode_envelope(seq, bodies[seq]))
    assert isinstance(event, ValidationCompleted)
    bars = [list(msgspec.to_builtins(bar)) for bar in event.bars]
    bars[0][4] += 10_000
    return restated(changed(bodies, seq, data={"bars": bars})), seq


def dearer_in_the_file(bodies: list[bytes]) -> tuple[list[bytes], int]:
    """The same in a decision over what was imported."""
    seq = seqs(bodies, ValidationCompleted, lambda one: one.provider == "cotahist")[1]
    event = decode_event(decode_envelope(seq, bodies[seq]))
    assert isinstance(event, ValidationCompleted)
    bars = [list(msgspec.to_builtins(bar)) for bar in event.bars]
    bars[0][4] += 10_000
    return restated(changed(bodies, seq, data={"bars": bars})), seq


def dearer_everywhere(bodies: list[bytes]) -> tuple[list[bytes], int]:
    """Raise a close in the decision and in what the library handed over: only the answer's own bytes are left."""
    changed_bodies, seq = dearer(bodies)
    cause = decode_envelope(seq, bodies[seq]).cause
    assert cause is not None
    fetch = decode_event(decode_envelope(cause, bodies[cause]))
    assert isinstance(fetch, FetchSucceeded)
    bars = [list(msgspec.to_builtins(bar)) for bar in fetch.bars]
    bars[-1][4] += 0.01
    return restated(changed(changed_bodies, cause, data={"bars": bars})), cause


def older_rules(bodies: list[bytes]) -> tuple[list[bytes], int]:
    """Stamp one decision with the version of the rules before."""
    seq = seqs(bodies, ValidationCompleted, lambda one: one.provider == "yfinance")[9]
    return changed(bodies, seq, data={"rules_version": 1}), seq


def another_threshold(bodies: list[bytes]) -> tuple[list[bytes], int]:
    """Say of a rejected row that it was flagged."""
    seq = seqs(bodies, ValidationCompleted, lambda one: bool(one.rejected))[0]
    return changed(bodies, seq, data={"rejected": []}), seq


def another_answer(bodies: list[bytes]) -> tuple[list[bytes], int]:
    """Keep the answer's SHA-256 of other bytes."""
    seq = seqs(bodies, FetchSucceeded)[3]
    event = decode_event(decode_envelope(seq, bodies[seq]))
    assert isinstance(event, FetchSucceeded)
    answer = msgspec.to_builtins(event.answer, builtin_types=(bytes,)) | {"sha256": bytes(32)}
    return changed(bodies, seq, data={"answer": answer}), seq


def another_snapshot(bodies: list[bytes]) -> tuple[list[bytes], int]:
    """Say that other bytes reached the disk."""
    seq = seqs(bodies, SnapshotWritten)[2]
    return changed(bodies, seq, data={"sha256": bytes(32)}), seq


CHANGES: list[tuple[Change, str]] = [
    (dearer, "bars[0]"),
    (dearer_in_the_file, "bars[0]"),
    (dearer_everywhere, "bar of "),
    (older_rules, "rules_version"),
    (another_threshold, "rejected[0]"),
    (another_answer, "answer"),
    (another_snapshot, "sha256"),
]


@pytest.mark.parametrize(("change", "what"), CHANGES, ids=[change.__name__ for change, _ in CHANGES])
def test_one_changed_event_is_the_first_difference(
    change: Change, what: str, made: Workplace, bodies: list[bytes], tmp_path: Path
) -> None:
    """Re-chained, with its states where it has any: `verify` finds it intact, the audit names its seq."""
    forged, seq = change(bodies)
    backup = archived(tmp_path / "b.db", forged)
    assert "intact" == verify_archive(backup).verdict
    code, row = audited(made, "--ledger", str(backup))
    assert (2, "different", seq) == (code, row["verdict"], row["first_difference"]["seq"])
    assert row["first_difference"]["what"].startswith(what)
    assert row["first_difference"]["recorded"] != row["first_difference"]["derived"]


def test_a_forged_ledger_in_use_is_named_too(tmp_path: Path) -> None:
    """Rewritten whole on disk; from a later seq on it is not looked at."""
    place = Workplace(tmp_path)
    assert 0 == place.run("--no-network", "--ticker", "PETR4.SA").code
    folder = folder_of(place.home.sample)
    own = stored_bodies(folder)
    forged, seq = dearer_of_the_sample(own)
    rewrite(folder, forged)
    assert "intact" in place.run("verify").out
    done = place.run("audit")
    assert (2, f"different at seq {seq}: got bars[0]") == (done.code, done.out.partition(" [")[0])
    assert 0 == place.run("audit", "--since", str(seq + 2)).code
    rewrite(folder, own)
    assert 0 == place.run("audit").code


def dearer_of_the_sample(bodies: list[bytes]) -> tuple[list[bytes], int]:
    """Raise the first close of the sample's decision."""
    (seq,) = seqs(bodies, ValidationCompleted)
    event = decode_event(decode_envelope(seq, bodies[seq]))
    assert isinstance(event, ValidationCompleted)
    bars = [list(msgspec.to_builtins(bar)) for bar in event.bars]
    bars[0][4] += 10_000
    return restated(changed(bodies, seq, data={"bars": bars})), seq


def test_no_ledger_is_no_finding(tmp_path: Path) -> None:
    """Exit code 3, and a hint."""
    done = Workplace(tmp_path).run("audit")
    assert 3 == done.code
    assert "error:" in done.err
