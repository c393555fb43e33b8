"""A notebook gets what commands print, exactly, as of any position, and leaves no trace."""

import gc
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from ledger.errors import ClosedLedgerError, NoLedgerError, NothingToShowError
from ledger.market.sessions import sessions
from ledger.market.ticker import TickerError
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import Window
from projections import open_ledger
from projections.api.faces import to_json
from projections.api.ledger import Ledger
from projections.api.rows import AdjustedPrice, Change, CorporateAction, MissingSession, Price
from tests.cli.retelling import (
    BEFORE,
    CORRECTED,
    DAYS,
    FIRST_DECISION,
    LATE,
    NEW_CLOSE,
    NOW,
    OLD_CLOSE,
    PAID,
    SECOND_DECISION,
    THEN,
    TICKER,
    WITHDRAWN,
    after,
    close_of,
    retell,
)
from tests.support import sample_ledger
from tests.support.cli import REPOSITORY, environment, run_main

AS_ANYBODY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
HEAVY = ("pandas", "numpy", "pyarrow", "polars", "matplotlib", "duckdb", "yfinance", "lmdb", "msgspec", "json")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder whose ledger holds a series told twice; no command has read it yet."""
    folder = tmp_path_factory.mktemp("retold")
    retell(folder)
    return folder


@pytest.fixture
def ledger(place: Path) -> Iterator[Ledger]:
    """That ledger, open."""
    with open_ledger(place / "dados") as ledger:
        yield ledger


def reais(value: float) -> Decimal:
    """Return a price of the synthetic series as it was accepted."""
    return Decimal(f"{value:.2f}")


def everything(folder: Path) -> dict[str, bytes]:
    """Return every file there is but LMDB's lock files."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "lock.mdb"}


def test_a_row_is_exact_and_says_since_when_it_holds(ledger: Ledger) -> None:
    """Prices are decimals, the time is aware."""
    (row,) = ledger.prices("petr4", start=CORRECTED, end=CORRECTED).rows()
    (told,) = (one for one in after().days if one.date == CORRECTED)
    assert None not in (told.open, told.low, told.volume)
    assert row == Price(
        ticker=TICKER,
        date=CORRECTED,
        open=reais(told.open or 0),
        high=Decimal("99.00"),
        low=reais(told.low or 0),
        close=Decimal(str(NEW_CLOSE)),
        volume=told.volume or 0,
        provider_adj_close=row.provider_adj_close,
        provider="yfinance",
        basis="split_adjusted",
        seq=SECOND_DECISION,
        learned_at=NOW,
    )
    assert "99.00" == str(row.high)


@pytest.mark.parametrize(
    "as_of", [FIRST_DECISION, str(FIRST_DECISION), date(2026, 2, 12), "2026-02-12", THEN, NOW - timedelta(seconds=1)]
)
def test_each_position_has_its_own_truth(as_of: int | str | date | datetime, ledger: Ledger) -> None:
    """Before: without the late session, with the old close. After: both, and the withdrawn one still held."""
    then = {row.date: reais(close_of(BEFORE, row.date)) for row in BEFORE.days}
    now = then | {row.date: reais(close_of(after(), row.date)) for row in after().days}
    before, since = ledger.prices(TICKER, as_of=as_of), ledger.prices(TICKER)
    assert then == dict(zip(before["date"], before["close"], strict=True))
    assert now == dict(zip(since["date"], since["close"], strict=True))
    assert (True, LATE) == (WITHDRAWN in since["date"], *(set(since["date"]) - set(before["date"])))


def test_bounds_are_inclusive(ledger: Ledger) -> None:
    """On both sides."""
    window = Window(date(2026, 1, 12), date(2026, 1, 16))
    assert tuple(sessions(window)) == ledger.prices(TICKER, start=window.start, end=window.end)["date"]


def test_adjusted_prices_follow_from_the_actions_of_their_position(ledger: Ledger) -> None:
    """1 - D / the close before, 1 from the day on; nothing before it was told. Bounds do not change them."""
    close = reais(close_of(after(), DAYS[DAYS.index(PAID) - 1]))
    table = ledger.prices(TICKER, adjusted=True)
    factor = 1 - Decimal("0.75") / close
    for row in table.rows():
        by = factor if row.date < PAID else Decimal(1)
        assert [pytest.approx(float(by), rel=1e-15), pytest.approx(float(row.close * by), rel=1e-15)] == [
            row.factor,
            row.adj_close,
        ]
    assert {1.0} == set(ledger.prices(TICKER, adjusted=True, as_of=FIRST_DECISION)["factor"])
    assert table.rows()[:3] == ledger.prices(TICKER, adjusted=True, end=DAYS[2]).rows()
    assert AdjustedPrice.__struct_fields__ == table.names


def test_revisions_tell_what_changed_and_why(ledger: Ledger) -> None:
    """The causes apart; first bars on time only when everything is wanted."""
    table = ledger.revisions(TICKER)
    (corrected,) = (row for row in table.rows() if row.date == CORRECTED and row.field == "close")
    assert corrected == Change(
        ticker=TICKER,
        date=CORRECTED,
        field="close",
        old=Decimal(str(OLD_CLOSE)),
        new=Decimal(str(NEW_CLOSE)),
        change=corrected.change,
        cause="correction",
        late=False,
        seq=SECOND_DECISION,
        learned_at=NOW,
        old_seq=FIRST_DECISION,
        old_learned_at=THEN,
        provider="yfinance",
    )
    assert pytest.approx(NEW_CLOSE / OLD_CLOSE - 1) == corrected.change
    assert {"first", "correction", "rescale", "withdrawn"} == set(table["cause"])
    assert 0 == len(ledger.revisions(TICKER, as_of=FIRST_DECISION))
    assert len(BEFORE.days) == len(ledger.revisions(TICKER, as_of=FIRST_DECISION, everything=True))


def test_actions_are_those_known_at_the_position(ledger: Ledger) -> None:
    """None before the dividend was told."""
    dividend = CorporateAction(
        ticker=TICKER,
        date=PAID,
        kind="dividend",
        amount=Decimal("0.75"),
        numerator=None,
        denominator=None,
        cause="first",
        seq=SECOND_DECISION,
        learned_at=NOW,
        provider="yfinance",
    )
    assert ((dividend,), ()) == (ledger.actions(TICKER).rows(), ledger.actions(TICKER, as_of=FIRST_DECISION).rows())


def test_gaps_are_those_of_the_position(ledger: Ledger) -> None:
    """The late session was missing before it came; what was not due yet is no gap."""
    late = MissingSession(
        ticker=TICKER,
        date=LATE,
        asked=1,
        since=THEN,
        last_asked_at=THEN,
        rejected=False,
        rejected_answers=0,
        last_rejected_at=None,
        behind=False,
        provider="yfinance",
    )
    assert (late,) == ledger.gaps(TICKER, as_of=FIRST_DECISION).rows()
    assert () == ledger.gaps(TICKER, until=DAYS[-1]).rows()
    assert (date(2026, 2, 13),) == ledger.gaps(TICKER, until=date(2026, 2, 13))["date"]


def test_logs_are_those_of_the_position(ledger: Ledger) -> None:
    """An answer that was not judged by then is pending then."""
    assert ("success", "warning") == ledger.logs(TICKER)["status"]
    assert ("success", "pending") == ledger.logs("petr4", as_of=SECOND_DECISION - 1)["status"]
    assert ((), ()) == (ledger.logs("VALE3").rows(), ledger.logs(failed=True).rows())
    assert NOW == ledger.logs()["recorded_at"][-1]


def test_an_archive_says_the_same(place: Path, tmp_path: Path, ledger: Ledger) -> None:
    """All but the event that records the backup is in it."""
    folder = shutil.copytree(place, tmp_path / "copy")
    env = {"B3_LEDGER_NOW": NOW.isoformat(), "YAHOO_BASE_URL": "http://127.0.0.1:1"}
    assert 0 == run_main("backup", "--create", "--out", "a.db", cwd=folder, env=env).code
    with open_ledger(folder / "a.db") as archive:
        assert ledger.head == archive.head
        for ask in (_prices, _revisions):
            assert ask(ledger) == ask(archive)


def _prices(ledger: Ledger) -> object:
    return ledger.prices(TICKER, adjusted=True).rows()


def _revisions(ledger: Ledger) -> object:
    return ledger.revisions(TICKER, everything=True).rows()


def test_what_is_appended_meanwhile_does_not_show(place: Path, tmp_path: Path) -> None:
    """A ledger stays as it was when opened; one that is opened beside it is up to date."""
    home = shutil.copytree(place, tmp_path / "copy") / "dados"
    with open_ledger(home) as held:
        before = held.head
        done = run_main("backup", "--create", "--clock-ok", cwd=home.parent)  # months after its last event
        assert 0 == done.code, done.err
        assert (before, before.size) == (held.head, held.position(10**9))
        with open_ledger(home) as newer:
            assert before.size + 1 == newer.head.size
        assert "real" == held.kind


def test_a_ledger_that_is_dropped_is_closed(place: Path) -> None:
    """A cell that runs again leaves nothing open behind it."""
    for _ in range(2):
        dropped = open_ledger(place / "dados")
        assert "real" == dropped.kind
    del dropped
    gc.collect()
    EventLog(LedgerHome(place / "dados"), now=lambda: 0, readonly=True).close()  # which one that is open would refuse


def test_nothing_is_made_or_changed(place: Path, tmp_path: Path) -> None:
    """Not even stored read models, which commands would make."""
    home = shutil.copytree(place, tmp_path / "copy") / "dados"
    before = everything(home)
    with open_ledger(home) as ledger:
        _prices(ledger)
    assert before == everything(home)


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="root cannot be kept from writing")
def test_it_needs_no_permission_to_write(place: Path, tmp_path: Path) -> None:
    """A notebook may read what a service writes."""
    folder = shutil.copytree(place, tmp_path / "copy")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    script = "from projections import open_ledger; print(len(open_ledger().prices('PETR4')))"
    done = subprocess.run(
        [*AS_ANYBODY, sys.executable, "-c", script], cwd=folder, env=environment(), capture_output=True, check=False
    )
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    assert (f"{len(DAYS)}\n".encode(), b"") == (done.stdout, done.stderr)


def test_without_a_path_it_is_the_ledger_that_commands_read(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the environment, by `.env`, by default; the sample's where there is no real one."""
    monkeypatch.chdir(place)
    monkeypatch.delenv("DATA_DIR", raising=False)
    sample_ledger.make(tmp_path)
    with open_ledger() as default:
        assert "real" == default.kind
    monkeypatch.chdir(tmp_path)
    with open_ledger() as sample:
        assert ("sample", ("ITUB4.SA", "PETR4.SA")) == (sample.kind, sample.tickers())
        assert () == sample.gaps("PETR4").rows()
    (tmp_path / ".env").write_text(f"DATA_DIR={place / 'dados'}\n")
    with open_ledger() as named:
        assert "real" == named.kind
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "dados"))
    with open_ledger() as set_in_shell:
        assert "sample" == set_in_shell.kind


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda one: one.prices("VALE3"), NothingToShowError, "got no series of VALE3.SA, want one of PETR4.SA"),
        (
            lambda one: one.prices("PETR4", source="cotahist"),
            NothingToShowError,
            "got no series of PETR4.SA from cotahist, want one of yfinance",
        ),
        (lambda one: one.gaps("../x"), TickerError, "got ticker '../x', want a B3 code"),
        (lambda one: one.logs(as_of=-1), ValueError, "got seq -1, want 0 or more"),
        (lambda one: one.actions("PETR4", as_of="soon"), ValueError, "got 'soon', want a seq, a day"),
    ],
)
def test_what_is_not_there_is_an_error(
    ask: Callable[[Ledger], object], error: type[Exception], message: str, ledger: Ledger
) -> None:
    """One line that says what is."""
    with pytest.raises(error, match=message):
        ask(ledger)


def test_no_ledger_is_an_error_and_stays_none(tmp_path: Path) -> None:
    """Nothing is made."""
    with pytest.raises(NoLedgerError, match="got no ledger in"):
        open_ledger(tmp_path / "none")
    assert [] == list(tmp_path.iterdir())


def test_it_says_what_it_is(ledger: Ledger) -> None:
    """In one line, as a notebook shows it."""
    assert f"<real ledger of {ledger.head.size} events, head {ledger.head.link.hex()[:16]}>" == repr(ledger)


def test_importing_the_package_costs_nothing() -> None:
    """Whoever uses something else of it pays for that alone."""
    script = f"import projections, sys; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout


def test_reading_prices_imports_no_table_library(place: Path) -> None:
    """They come when they are asked for."""
    script = (
        "import sys; from projections import open_ledger; open_ledger().prices('PETR4', adjusted=True).rows(); "
        f"print(sorted(set({HEAVY[:7]!r}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=place, env=environment(), capture_output=True, text=True, check=True
    )
    assert "[]\n" == done.stdout


def test_several_tickers_follow_one_another(tmp_path: Path) -> None:
    """In the order asked for, each once; days as text and as Timestamps."""
    sample_ledger.make(tmp_path)
    with open_ledger(tmp_path / "dados") as ledger:
        asked = ["PETR4", "ITUB4", "PETR4"]
        rows = list(ledger.prices(asked, start="2026-02-12", end=pd.Timestamp("2026-02-13")))
        alone = [row for name in asked[:2] for row in ledger.prices(name, start=date(2026, 2, 12))]
        assert alone == rows
        assert ["PETR4.SA"] * 2 + ["ITUB4.SA"] * 2 == [row.ticker for row in rows]
        assert ["ITUB4.SA"] * 3 == [row.ticker for row in ledger.gaps(["PETR4", "ITUB4"])]
        assert 4 == sum(len(ledger.prices(asked, start=day, end=day)) for day in ("2026-02-12", "2026-02-13"))
        with pytest.raises(ValueError, match="got no ticker, want at least one"):
            ledger.prices([])
        with pytest.raises(ValueError, match="got 'ontem', want a day"):
            ledger.prices("PETR4", start="ontem")


def test_a_difference_is_the_one_that_the_command_prints(place: Path, ledger: Ledger) -> None:
    """Row for row; of two positions that are alike there is none."""
    args = ("diff", "--ticker", TICKER, "--from", str(FIRST_DECISION), "--to", str(SECOND_DECISION))
    told = run_main(*args, "--format", "json", cwd=place, env={"B3_LEDGER_NOW": NOW.isoformat()}).lines()
    found = ledger.diff(TICKER, FIRST_DECISION, SECOND_DECISION)
    assert len(found) > 0
    assert told == [msgspec.json.decode(msgspec.json.encode(to_json(row))) for row in found]
    assert list(found) == list(ledger.diff(TICKER, FIRST_DECISION))
    assert 0 == len(ledger.diff(TICKER, None))


def test_a_row_comes_from_where_the_command_says(place: Path, ledger: Ledger) -> None:
    """Down to the raw answer."""
    args = ("why", TICKER, "--date", str(CORRECTED), "--format", "json")
    told = run_main(*args, cwd=place, env={"B3_LEDGER_NOW": NOW.isoformat()}).lines()
    assert told == [msgspec.json.decode(msgspec.json.encode(row)) for row in ledger.why(TICKER, str(CORRECTED))]


def test_one_provider_is_compared_with_none(ledger: Ledger) -> None:
    """The error names who there is; a field that is none is refused."""
    with pytest.raises(NothingToShowError, match=r"got yfinance of PETR4.SA, want two providers to compare"):
        ledger.compare(TICKER)
    with pytest.raises(ValueError, match="got value, want some of open, high, low, close"):
        ledger.compare(TICKER, a="yfinance", b="cotahist", fields=["value"])


def test_a_closed_ledger_says_so(place: Path) -> None:
    """Whatever it is asked, where the database used to."""
    ledger = open_ledger(place / "dados")
    assert not ledger.closed
    ledger.close()
    assert (True, "<closed ledger>") == (ledger.closed, repr(ledger))
    asked: list[Callable[[], object]] = [
        ledger.tickers,
        ledger.position,
        ledger.logs,
        lambda: ledger.head,
        lambda: ledger.kind,
        lambda: ledger.prices(TICKER),
        lambda: ledger.diff(TICKER, 1),
        lambda: ledger.why(TICKER, CORRECTED),
    ]
    for call in asked:
        with pytest.raises(ClosedLedgerError, match="got a ledger that was closed, want an open one"):
            call()
    ledger.close()
