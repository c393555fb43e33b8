"""Answers written to harm, in one run beside good ones: each costs its own ticker, is recorded, and no other's."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import pytest

from ledger.events import FetchFailed, IngestFailed
from ledger.market.sessions import sessions
from ledger.values import Window
from tests.e2e.workplace import Workplace, by_ticker
from tests.support.cli import Result
from tests.support.yahoo_series import chart_body, make_series
from tests.support.yahoo_server import Status, YahooServer

DAYS = sessions(Window(date(2026, 1, 5), date(2026, 2, 12)))
GOOD = make_series(DAYS, seed=1)
FIRST, LAST = "GOOD3.SA", "FINE3.SA"
DEPTH = 3_000


def altered(**meta: Any) -> bytes:
    """Return a good answer with other facts about its series."""
    body = chart_body("X", GOOD, start=0, stop=2**40)
    body["chart"]["result"][0]["meta"] |= meta
    return msgspec.json.encode(body)


def stamped(first: int) -> bytes:
    """Return a good answer whose first session is stamped `first`."""
    body = chart_body("X", GOOD, start=0, stop=2**40)
    body["chart"]["result"][0]["timestamp"][0] = first
    return msgspec.json.encode(body)


def digits(number: int) -> bytes:
    """Return a good answer whose `gmtoffset` has so many digits, and whose zone is none."""
    body = altered(exchangeTimezoneName="None/Such", gmtoffset=1)
    return body.replace(b'"gmtoffset":1', b'"gmtoffset":1' + b"0" * number)


def nested(opening: bytes, closing: bytes) -> bytes:
    """Return a good answer beside a value that is nested deeper than any stack."""
    return altered()[:-1] + b',"beside":' + opening * DEPTH + b"1" + closing * DEPTH + b"}"


def answered(body: bytes) -> Status:
    """Return an answer of status 200, whatever it is."""
    return Status(code=200, body=body, times=None)


def put_off(until: str) -> Status:
    """Return a refusal that asks for patience until then."""
    return Status(code=429, retry_after=until, times=None)


HOSTILE = {
    "YEAR3.SA": (put_off("Mon, 01 Jan 99999999999 00:00:00 GMT"), "rate-limit"),
    "AGES3.SA": (put_off("9" * 400), "rate-limit"),
    "NEST3.SA": (answered(nested(b"[", b"]")), "bad-answer"),
    "DEEP3.SA": (answered(nested(b'{"a":', b"}")), "bad-answer"),
    "DIGT3.SA": (answered(digits(400)), "bad-answer"),
    "OFFS3.SA": (answered(digits(18)), "bad-answer"),
    "ZERO3.SA": (answered(stamped(-62_135_596_800)), "bad-answer"),
    "PAST3.SA": (answered(stamped(-(10**18))), "bad-answer"),
    "ZONE3.SA": (answered(altered(exchangeTimezoneName="A" * 5_000)), "bad-answer"),
    "DOTS3.SA": (answered(altered(exchangeTimezoneName="../../../etc/passwd")), "bad-answer"),
    "UTFF3.SA": (answered(b'{"chart":"\xff\xfe'), "bad-answer"),
}
TICKERS = [FIRST, *HOSTILE, LAST]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workplace, Result]]:
    """Every case in one run of the command line, two at a time."""
    with YahooServer() as server:
        server.series = dict.fromkeys(TICKERS, GOOD)
        server.faults = {ticker: [fault] for ticker, (fault, _) in HOSTILE.items()}
        place = Workplace(tmp_path_factory.mktemp("night"), server, ADAPTER_MAX_RETRIES="0")
        words = [word for ticker in TICKERS for word in ("--ticker", ticker)]
        yield place, place.run(*words, "--jobs", "2", "--format", "json")
        place.close()


def test_the_others_go_on_and_the_exit_code_says_that_some_failed(night: tuple[Workplace, Result]) -> None:
    """A row per ticker, in the order asked for, the good ones before and after with all their sessions."""
    _, result = night
    rows = by_ticker(result)
    assert TICKERS == list(rows)
    assert [("success", len(DAYS))] * 2 == [(rows[one]["status"], rows[one]["rows"]) for one in (FIRST, LAST)]
    assert 1 == result.code
    assert "Traceback" not in result.err


@pytest.mark.parametrize("ticker", HOSTILE)
def test_each_is_named_by_its_kind_and_recorded(night: tuple[Workplace, Result], ticker: str) -> None:
    """Where the provider can know better it is a bad answer, kept as evidence, else internal; once, in the log."""
    place, result = night
    row, (recorded,) = by_ticker(result)[ticker], place.events(ticker)
    assert isinstance(recorded.event, FetchFailed | IngestFailed)
    assert (HOSTILE[ticker][1],) * 2 == (row["error_kind"], recorded.event.error_kind)
    assert row["error_message"].startswith(HOSTILE[ticker][1])


def test_what_was_recorded_holds(night: tuple[Workplace, Result]) -> None:
    """Every failure is listed, and nothing of it is evidence that waits to be judged."""
    place, _ = night
    listed = place.run("logs", "--failed", "--format", "json")
    assert (1, sorted(HOSTILE)) == (listed.code, sorted(row["ticker"] for row in listed.lines()))
    assert 0 == place.run("verify").code


def test_a_crumb_of_ten_megabytes_ends_no_run(
    place: Workplace, server: YahooServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not sent back, and the chart answers without one."""
    server.series = dict.fromkeys((FIRST, LAST), GOOD)
    monkeypatch.setattr(server, "new_crumb", lambda: "x" * 10_000_000)
    result = place.run("--ticker", FIRST, "--ticker", LAST, "--format", "json")
    assert [0, "success", "success"] == [result.code, *(row["status"] for row in result.lines())]
