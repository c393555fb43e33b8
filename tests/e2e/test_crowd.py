"""Many at once: forty tickers in one run, two runs of one ticker, two runs that both would create the ledger."""

from datetime import date
from typing import Any

import pytest

from ledger.market.sessions import sessions
from ledger.values import Window
from tests.e2e.workplace import Workplace, attempts
from tests.support.cli import Result, command, environment
from tests.support.memory import peak_anonymous_bytes
from tests.support.yahoo_series import make_series
from tests.support.yahoo_server import Hang, Reset, Status, YahooServer

DAYS = sessions(Window(date(2026, 1, 5), date(2026, 2, 12)))
TICKERS = [f"TICK{number}.SA" for number in range(10, 50)]
RUN = ("--ticker", "PETR4.SA", "--format", "json")


def finished(*started: Any) -> list[Result]:
    """Return how processes ended, in the order given."""
    ended = [(process.communicate(timeout=60), process.returncode) for process in started]
    return [Result(code, out, err) for (out, err), code in ended]


def test_forty_tickers_of_which_three_fail(place: Workplace, server: YahooServer) -> None:
    """The others' data are all there, the rows come in the order asked for, and the exit code says that some failed."""
    server.series = {ticker: make_series(DAYS, seed=number) for number, ticker in enumerate(TICKERS)}
    server.faults = {
        TICKERS[3]: [Status(code=404)],
        TICKERS[17]: [Reset(times=None)],
        TICKERS[39]: [Status(code=500, times=None)],
    }
    words = [word for ticker in TICKERS for word in ("--ticker", ticker)]
    result = place.run(*words, "--jobs", "8", "--format", "json", ADAPTER_MAX_RETRIES="1")
    rows = result.lines()
    failed = {row["ticker"]: row["error_kind"] for row in rows if row["status"] == "error"}
    assert (1, TICKERS) == (result.code, [row["ticker"] for row in rows])
    assert {TICKERS[3]: "not-found", TICKERS[17]: "connection", TICKERS[39]: "bad-answer"} == failed
    assert {len(DAYS)} == {row["rows"] for row in rows if row["ticker"] not in failed}
    assert [row["seq"] for row in rows] == [place.events(ticker)[-1].seq for ticker in TICKERS]


@pytest.mark.campaign
def test_two_thousand_tickers(place: Workplace, server: YahooServer) -> None:
    """One in forty fails; every row is there once, in order, and memory does not grow with the number of tickers."""
    tickers = [f"T{number:04}.SA" for number in range(2_000)]
    answers = [make_series(DAYS, seed=seed) for seed in range(40)]
    server.series = {ticker: answers[number % 40] for number, ticker in enumerate(tickers)}
    failing = tickers[7::40]
    server.faults = {ticker: [Status(code=404, times=None)] for ticker in failing}
    few, many = (place.folder / name for name in ("few.txt", "many.txt"))
    few.write_text("\n".join(tickers[:200]))
    many.write_text("\n".join(tickers))
    env = environment(place.settings)
    peaks = [
        peak_anonymous_bytes(command("--tickers-file", file.name, "--jobs", "8"), cwd=place.folder, env=env, codes=[1])
        for file in (few, many)
    ]
    assert peaks[1] < peaks[0] + 16 * 1024 * 1024
    again = place.start("--tickers-file", many.name, "--format", "json")
    out, err = again.communicate(timeout=900)
    rows = Result(again.returncode, out, err).lines()
    assert (tickers, set(failing)) == (
        [row["ticker"] for row in rows],
        {row["ticker"] for row in rows if row["status"] == "error"},
    )
    assert 0 == place.run("verify").code


def test_no_answer_in_time_is_a_timeout_and_costs_its_neighbour_nothing(place: Workplace, server: YahooServer) -> None:
    """Each attempt ends at its deadline; the ticker beside it is done long before."""
    server.series = {"PETR4.SA": make_series(DAYS, seed=1), "VALE3.SA": make_series(DAYS, seed=2)}
    server.faults["PETR4.SA"] = [Hang(times=None)]
    limits = {"ADAPTER_TIMEOUT_SECONDS": "2", "ADAPTER_MAX_RETRIES": "1"}
    result = place.run(*RUN, "--ticker", "VALE3.SA", **limits)
    hung, done = result.lines()
    assert (1, "timeout: got no answer within 2 s", "success") == (result.code, hung["error_message"], done["status"])
    assert ((1, "timeout", False), (2, "timeout", True)) == attempts(place.events("PETR4.SA"))
    assert 4 <= hung["elapsed_sec"] < 10


def test_two_runs_of_one_ticker_wait_for_each_other(place: Workplace, server: YahooServer) -> None:
    """The second waits for the ticker's lock and then finds nothing new: both end well, no session is held twice."""
    server.series["PETR4.SA"] = make_series(DAYS, seed=1)
    server.delay_s = 0.5
    first, second = finished(place.start(*RUN), place.start(*RUN))
    assert (0, 0) == (first.code, second.code)
    added = sorted(row["added"] for result in (first, second) for row in result.lines())
    assert [0, len(DAYS)] == added


def test_a_second_run_that_may_not_wait_is_refused_and_named(place: Workplace, server: YahooServer) -> None:
    """One is done, the other is locked out with exit 3: the event names the pid and the job of the first."""
    server.series = {ticker: make_series(DAYS, seed=1) for ticker in ("PETR4.SA", "VALE3.SA")}
    assert 0 == place.run("--ticker", "VALE3.SA").code
    server.delay_s = 2.0
    first = place.start(*RUN)
    while not server.charts("PETR4.SA"):
        assert first.poll() is None
    second = place.run(*RUN, INGEST_LOCK_TIMEOUT_SECONDS="0.1")
    (done,) = finished(first)
    (row,), (held,) = second.lines(), done.lines()
    assert (0, 3, "locked") == (done.code, second.code, row["error_kind"])
    assert f"job {held['job_id']}" in row["error_message"]
    assert ["ingest.refused", "fetch.succeeded", "validation.completed", "snapshot.written"] == place.types("PETR4.SA")


@pytest.mark.parametrize("tickers", [("PETR4.SA", "PETR4.SA"), ("PETR4.SA", "VALE3.SA")])
def test_two_first_runs_create_one_ledger(place: Workplace, server: YahooServer, tickers: tuple[str, str]) -> None:
    """Started together in an empty folder, one creates the ledger and both write to it."""
    server.series = {ticker: make_series(DAYS, seed=1) for ticker in tickers}
    results = finished(*(place.start("--ticker", ticker, "--format", "json") for ticker in tickers))
    assert [0, 0] == [result.code for result in results]
    told = [(row.get("created"), row.get("ledger")) for result in results for row in result.lines()]
    assert {(None, None), (True, str(place.home.current()))} == set(told)
    assert 1 == sum("created ledger" in result.err for result in results)
    assert 1 == place.types().count("ledger.created")
    assert ["ledger-1"] == [folder.name for folder in place.home.folders()]
