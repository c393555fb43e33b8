"""Everything that Yahoo may answer, in one run of many tickers: each ends as documented, and none touches another."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from ledger.events import FetchFailed, SnapshotWritten
from ledger.market.sessions import sessions
from ledger.values import Window
from tests.e2e.workplace import NOW, Workplace, attempts, by_ticker, decisions
from tests.support.cli import Result
from tests.support.yahoo_series import Series, add, correct, flat, make_series
from tests.support.yahoo_server import (
    Empty,
    Fault,
    Html,
    MissingKey,
    NoResult,
    Ragged,
    Reset,
    Status,
    Truncated,
    YahooServer,
    error_body,
)

DAYS = sessions(Window(date(2025, 12, 1), date(2026, 2, 12)))  # the last one is final at NOW
GOOD = make_series(DAYS, seed=1)
TODAY = NOW.date()
SATURDAY = date(2026, 2, 7)
ASKED = Window(TODAY - timedelta(days=730), TODAY)
SHORT_HISTORY = len(DAYS)

Attempts = tuple[tuple[int, str | None, bool], ...]
ANSWERED: Attempts = ((1, None, True),)


def failing(kind: str, attempts: int = 2) -> Attempts:
    """Return what `attempts` failures of one kind leave, the last of them final."""
    return tuple((number, kind, number == attempts) for number in range(1, attempts + 1))


def then_well(kind: str) -> Attempts:
    """Return what one failure and an answer leave."""
    return (1, kind, False), (2, None, True)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What Yahoo does with one ticker, and what is to come of it."""

    faults: tuple[Fault, ...] = ()
    series: Series | None = GOOD
    status: str = "success"
    attempts: Attempts = ANSWERED
    requests: int = 1
    words: str = ""  # what the message says after its kind
    rows: int = SHORT_HISTORY
    rules: tuple[str, ...] = ()  # of the rejections


def refused(
    fault: Fault | None, kind: str, words: str, *, requests: int, made: int = 2, series: Series | None = GOOD
) -> Case:
    """Return the case of a ticker that ends in an error of `kind`."""
    faults = () if fault is None else (fault,)
    return Case(
        faults=faults,
        series=series,
        status="error",
        attempts=failing(kind, made),
        requests=requests,
        words=words,
        rows=0,
    )


def rejecting(series: Series, *rules: str, rows: int = SHORT_HISTORY) -> Case:
    """Return the case of a series with bad rows, each put aside by its rule."""
    return Case(series=series, status="warning", rows=rows, rules=rules)


def foreign(series: Series, words: str) -> Case:
    """Return the case of a series that is not the one asked for."""
    return Case(series=series, status="rejected", rows=0, rules=("IDENTITY",), words=words)


BAD_REQUEST = error_body("chart", "Bad Request", "Invalid input")

CASES: dict[str, Case] = {
    "GOOD3.SA": Case(),
    "NFND3.SA": refused(None, "not-found", "404 No data found", requests=2, made=1, series=None),
    "BADQ3.SA": refused(Status(code=400, body=BAD_REQUEST, times=None), "bad-answer", "400 Invalid input", requests=4),
    "VOID3.SA": refused(Status(code=400, times=None), "empty", "got no rows, want 502 sessions", requests=4),
    "AUTH3.SA": refused(Status(code=401, times=None), "bad-answer", "401 Invalid Crumb", requests=8),
    "CRMB3.SA": Case(faults=(Status(code=401),), requests=3),
    "RATE3.SA": Case(faults=(Status(code=429),), attempts=then_well("rate-limit"), requests=3),
    "WAIT3.SA": Case(faults=(Status(code=429, retry_after="1"),), attempts=then_well("rate-limit"), requests=3),
    "LATE3.SA": refused(Status(code=429, retry_after="3600"), "rate-limit", "429", requests=2, made=1),
    "FIVE3.SA": Case(faults=(Status(code=500),), attempts=then_well("bad-answer"), requests=3),
    "DOWN3.SA": refused(Status(code=500, times=None), "bad-answer", "500 Internal Server Error", requests=4),
    "HTML3.SA": refused(Html(times=None), "bad-answer", "200, but", requests=2),
    "CUTT3.SA": refused(Truncated(times=None), "bad-answer", "200, but", requests=2),
    "RAGG3.SA": refused(Ragged(times=None), "bad-answer", "200, but", requests=2),
    "MISS3.SA": refused(MissingKey(times=None), "bad-answer", "200, but", requests=2),
    "RSET3.SA": refused(Reset(times=None), "connection", "", requests=2),
    "NONE3.SA": refused(Empty(times=None), "empty", "got no rows, want 502 sessions", requests=2),
    "NORE3.SA": refused(NoResult(times=None), "empty", "got no rows, want 502 sessions", requests=2),
    "NULL3.SA": rejecting(correct(GOOD, DAYS[5], close=None), "OHLC_NAN", rows=SHORT_HISTORY - 1),
    "ZERO3.SA": rejecting(correct(GOOD, DAYS[6], open=0.0, high=0.0, low=0.0), "NONPOS", rows=SHORT_HISTORY - 1),
    "DUPL3.SA": rejecting(add(GOOD, flat(DAYS[7], 31.0)), "DUPLICATE", rows=SHORT_HISTORY - 1),
    "TWIN3.SA": Case(series=add(GOOD, GOOD.days[8])),
    "SATU3.SA": rejecting(add(GOOD, flat(SATURDAY, 31.0)), "NOT_SESSION"),
    "TODY3.SA": Case(series=add(GOOD, flat(TODAY, 31.0))),
    "EURO3.SA": foreign(msgspec.structs.replace(GOOD, currency="EUR"), "IDENTITY got currency EUR, want BRL"),
    "NYSE3.SA": foreign(msgspec.structs.replace(GOOD, exchange="NYQ"), "IDENTITY got exchange NYQ, want SAO"),
}
TICKERS = list(CASES)


class Night(msgspec.Struct, frozen=True):
    """One run of all cases, and what it left."""

    place: Workplace
    server: YahooServer
    result: Result
    printed: dict[str, Any]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Every case in one run of the command line."""
    with YahooServer() as server:
        server.series = {ticker: case.series for ticker, case in CASES.items() if case.series is not None}
        server.faults = {ticker: list(case.faults) for ticker, case in CASES.items()}
        place = Workplace(tmp_path_factory.mktemp("night"), server, ADAPTER_MAX_RETRIES="1")
        words = [word for ticker in TICKERS for word in ("--ticker", ticker)]
        result = place.run(*words, "--jobs", "8", "--format", "json")
        yield Night(place, server, result, by_ticker(result))
        place.close()


def kind_of(case: Case) -> str | None:
    """Return the kind of error that the case ends with."""
    return "bad-answer" if case.status == "rejected" else case.attempts[-1][1]


def test_a_rejected_ticker_makes_the_run_exit_2(night: Night) -> None:
    """Two tickers were refused whole, which is worse than some that failed."""
    assert (2, TICKERS) == (night.result.code, list(night.printed))


@pytest.mark.parametrize("ticker", TICKERS)
def test_the_row_says_how_it_went(night: Night, ticker: str) -> None:
    """Status, rows of the snapshot and rejected rows are the case's own."""
    case, row = CASES[ticker], night.printed[ticker]
    rejected = 0 if case.status == "rejected" else len(case.rules)
    assert (case.status, case.rows, rejected) == (row["status"], row["rows"], row["rejected"])


@pytest.mark.parametrize("ticker", TICKERS)
def test_the_message_begins_with_the_kind_of_error(night: Night, ticker: str) -> None:
    """A ticker that failed says in one line what was got; the others say nothing."""
    case, row = CASES[ticker], night.printed[ticker]
    kind = kind_of(case)
    assert kind == row.get("error_kind")
    if kind is None:
        assert "error_message" not in row
    else:
        assert row["error_message"].startswith(f"{kind}: {case.words}")
        assert "\n" not in row["error_message"]


def test_each_failure_is_a_line_and_a_hint_on_stderr(night: Night) -> None:
    """After the logs, in the order of the tickers, what several share said once, and nothing of what went well."""
    shared: dict[str, list[str]] = {}
    for row in (night.printed[ticker] for ticker in TICKERS if kind_of(CASES[ticker])):
        shared.setdefault(row["error_message"].replace(row["ticker"], ""), []).append(row["ticker"])
    lines = []
    for names in shared.values():
        whose = names[0] if len(names) == 1 else f"{len(names)} tickers ({', '.join(names)})"
        first = night.printed[names[0]]
        lines += [f"error: {whose}: {first['error_message']}", f"hint: {first['hint']}"]
    assert lines == [line for line in night.result.err.splitlines() if line.startswith(("error:", "hint:"))]


@pytest.mark.parametrize("ticker", TICKERS)
def test_every_attempt_is_an_event(night: Night, ticker: str) -> None:
    """Attempts are numbered from 1 and the last one is final."""
    assert CASES[ticker].attempts == attempts(night.place.events(ticker))


@pytest.mark.parametrize("ticker", TICKERS)
def test_events_come_in_the_order_evidence_decision_snapshot(night: Night, ticker: str) -> None:
    """Nothing is decided without evidence, and only what was accepted reaches a snapshot."""
    case = CASES[ticker]
    expected = ["fetch.failed" if kind else "fetch.succeeded" for _, kind, _ in case.attempts]
    if case.status != "error":
        expected.append("validation.completed")
    if case.rows:
        expected.append("snapshot.written")
    assert expected == night.place.types(ticker)


@pytest.mark.parametrize("ticker", TICKERS)
def test_each_event_names_its_cause(night: Night, ticker: str) -> None:
    """A decision names its evidence, a snapshot its decision, and all of them one job."""
    told = night.place.events(ticker)
    caused = {one.type: one.cause for one in told}
    at = {one.type: one.seq for one in told}
    assert caused.get("validation.completed") == at.get("fetch.succeeded")
    assert caused.get("snapshot.written") in (None, at.get("validation.completed"))
    assert {night.printed[ticker]["job_id"]} == {one.job_id for one in told}


@pytest.mark.parametrize("ticker", TICKERS)
def test_the_server_was_really_asked_for_each_attempt(night: Night, ticker: str) -> None:
    """A retry goes out on the wire, for the same window: the library's memory answers none of them."""
    assert [ASKED] * CASES[ticker].requests == night.server.windows(ticker)


@pytest.mark.parametrize("ticker", TICKERS)
def test_the_decision_names_the_rule_of_each_rejection(night: Night, ticker: str) -> None:
    """Every row that was not accepted is there by its rule."""
    judged = decisions(night.place.events(ticker))
    assert list(CASES[ticker].rules) == [finding.rule for one in judged for finding in one.rejected]


@pytest.mark.parametrize("ticker", TICKERS)
def test_the_ingest_log_tells_the_same(night: Night, ticker: str) -> None:
    """One entry an attempt, with the attempt's status code; the last one carries the outcome."""
    case, entries = CASES[ticker], night.place.entries(ticker)
    told = tuple((one.attempt, _kind_of_attempt(case, one.error_kind), one.final) for one in entries)
    assert case.attempts == told
    assert case.status == entries[-1].status
    assert night.printed[ticker].get("error_message") == entries[-1].error_message


def _kind_of_attempt(case: Case, kind: str | None) -> str | None:
    # A rejection is the failure of an attempt that did bring an answer.
    return None if case.status == "rejected" else kind


@pytest.mark.parametrize("ticker", TICKERS)
def test_the_metrics_count_the_same(night: Night, ticker: str) -> None:
    """One final entry a ticker; only an accepted answer is an ingest."""
    case, measures = CASES[ticker], night.place.measures(ticker)
    assert measures is not None
    failed = case.status in {"error", "rejected"}
    assert (case.status, (failed,), case.rows) == (measures.status, measures.failures, measures.rows_total)
    assert (measures.last_ingest is None) == failed


@pytest.mark.parametrize("ticker", [ticker for ticker, case in CASES.items() if case.rows])
def test_no_failure_beside_it_costs_a_ticker_its_data(night: Night, ticker: str) -> None:
    """Snapshot, checksum and event of every ticker that was answered are there, and agree."""
    row = night.printed[ticker]
    lines = night.place.snapshot(f"{ticker.removesuffix('.SA')}-20260212.csv")
    assert CASES[ticker].rows == len(lines) - 1
    written = night.place.events(ticker)[-1].event
    assert isinstance(written, SnapshotWritten)
    assert (row["checksum"], row["rows"]) == (written.sha256.hex(), written.rows)


def test_a_wait_that_the_server_asked_for_is_kept(night: Night) -> None:
    """`Retry-After: 1` is in the event, and a second passed before the next request."""
    failed = night.place.events("WAIT3.SA")[0].event
    assert isinstance(failed, FetchFailed)
    assert (429, 1) == (failed.status_code, failed.retry_after_s)
    assert night.printed["WAIT3.SA"]["elapsed_sec"] >= 1


def test_a_wait_past_the_deadline_fails_at_once(night: Night) -> None:
    """An hour is longer than any job: what was asked is recorded, and nobody waits."""
    failed = night.place.events("LATE3.SA")[0].event
    assert isinstance(failed, FetchFailed)
    assert (429, 3600, True) == (failed.status_code, failed.retry_after_s, failed.final)


def test_todays_row_is_left_for_a_later_run(night: Night) -> None:
    """At nine in the morning today's bar is partial: neither accepted nor rejected."""
    (decision,) = decisions(night.place.events("TODY3.SA"))
    assert ((TODAY,), SHORT_HISTORY) == (decision.partial, decision.added)


def test_what_did_come_is_kept_as_evidence_of_the_failure(night: Night) -> None:
    """The page that was no chart is in the event, byte for byte."""
    failed = night.place.events("HTML3.SA")[0].event
    assert isinstance(failed, FetchFailed)
    assert failed.answer is not None
    assert len(b"<!doctype html><html><body>Yahoo</body></html>") == failed.answer.body_bytes


def test_the_commands_that_read_tell_the_same(night: Night) -> None:
    """Failures in the order they were recorded, a line of metrics a ticker, and nothing that verification minds."""
    failed = {ticker for ticker in TICKERS if kind_of(CASES[ticker])}
    logs = night.place.run("logs", "--failed", "--format", "json")
    assert (1, failed) == (logs.code, {row["ticker"] for row in logs.lines()})
    metrics = night.place.run("metrics", "--format", "json")
    told = {row["ticker"]: row["status"] for row in metrics.lines()}
    assert (1, {ticker: case.status for ticker, case in CASES.items()}) == (metrics.code, told)
    checks = (("verify",), ("rebuild", "--check"), ("snapshot", "--check"))
    assert [0, 0, 0] == [night.place.run(*words).code for words in checks]
