"""Yahoo through the real yfinance, against a server on loopback."""

import math
import time
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
import yfinance.data

from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ingest import judging
from ledger.ingest.providers import evidence, registry
from ledger.ingest.providers.port import Probe, ProviderError
from ledger.ingest.providers.yahoo import chart
from ledger.ingest.providers.yahoo.provider import YahooProvider, _library
from ledger.ingest.rules.held import Held
from ledger.market.sessions import sessions
from ledger.values import Identity, RawAction, RawBar, Request, Source, Window
from tests.support.yahoo_series import (
    Day,
    Series,
    add,
    chart_body,
    correct,
    dividend,
    flat,
    make_series,
    row,
    split,
    stamp,
    withdraw,
)
from tests.support.yahoo_server import (
    REQUESTS_A_REFUSAL,
    Empty,
    Fault,
    Hang,
    Html,
    MissingKey,
    NoResult,
    Ragged,
    Reset,
    Status,
    Truncated,
    YahooServer,
)

TICKER = "PETR4.SA"
WINDOW = Window(date(2024, 12, 2), date(2025, 2, 14))  # past: only then does the library remember answers
DAYS = sessions(WINDOW)
SERIES = make_series(DAYS, seed=1)
NOON = datetime(2026, 2, 13, 12, tzinfo=UTC)
NOON_US = 1_770_984_000_000_000


@pytest.fixture
def server() -> Iterator[YahooServer]:
    """A server that knows PETR4.SA, and a yfinance that remembers nothing of an earlier one."""
    yfinance.data.SingletonMeta._instances.clear()
    with YahooServer() as server:
        server.series[TICKER] = SERIES
        server.now = NOON
        yield server


@pytest.fixture
def provider(server: YahooServer, tmp_path: Path) -> YahooProvider:
    """The provider, pointed at the server."""
    return YahooProvider(base_url=server.url, cache_dir=tmp_path / "yfinance")


def raw(series: Series) -> tuple[RawBar, ...]:
    """Return the bars that a series without nulls makes."""
    return tuple(msgspec.convert(msgspec.structs.astuple(day)[:7], RawBar) for day in series.days)


def bars(provider: YahooProvider, ticker: str = TICKER) -> tuple[RawBar, ...]:
    """Return what a fetch of the window brings."""
    return provider.fetch(ticker, WINDOW, timeout_s=10).bars


def failure(provider: YahooProvider, *, timeout_s: float = 10) -> ProviderError:
    """Return the error that a fetch of the window ends with."""
    with pytest.raises(ProviderError) as caught:
        provider.fetch(TICKER, WINDOW, timeout_s=timeout_s)
    return caught.value


# --- what a good answer becomes ------------------------------------------------------------------


def test_bars_are_the_rows_unrounded_in_float64(server: YahooServer, provider: YahooProvider) -> None:
    """Yahoo's float32 prices come through bit for bit, and nothing is adjusted."""
    server.series[TICKER] = dividend(SERIES, DAYS[20], 0.5)
    assert raw(server.series[TICKER]) == bars(provider)


def test_a_row_that_the_library_makes_of_an_event_is_no_row_of_the_provider(
    server: YahooServer, provider: YahooProvider
) -> None:
    """An event after the last row comes as a row without a price: kept as evidence, and neither judged nor rejected.

    The action counts, and the session is missing, which is what the provider said.
    """
    whole = dividend(SERIES, DAYS[-1], 0.5)
    server.series[TICKER] = msgspec.structs.replace(whole, days=whole.days[:-1])
    fetched = provider.fetch(TICKER, Window(DAYS[0], DAYS[-1]), timeout_s=10)
    assert (DAYS[-1], True) == (fetched.bars[-1].date, math.isnan(fetched.bars[-1].close))
    assert raw(server.series[TICKER]) == fetched.bars[:-1] == registry.rows("yfinance", fetched.answer)
    evidence = FetchSucceeded(
        ticker=TICKER,
        provider="yfinance",
        attempt=1,
        started_at=NOON_US,
        finished_at=NOON_US,
        **msgspec.structs.asdict(fetched),
    )
    decision = judging.judged(evidence, Held({}), threshold_percent=10, more=lambda *_: Held({}))
    assert isinstance(decision, ValidationCompleted)
    sessions = len(DAYS) - 1
    assert ("success", sessions, sessions, ()) == (
        decision.verdict, decision.received, decision.added, decision.rejected,
    )  # fmt: skip
    assert [DAYS[-1]] == [action.ex_date for action in decision.actions]


def test_the_window_is_inclusive_on_the_wire(server: YahooServer, provider: YahooProvider) -> None:
    """The library's own `end` is exclusive; both days of ours are asked for and answered."""
    fetched = provider.fetch(TICKER, Window(DAYS[3], DAYS[5]), timeout_s=10)
    assert (list(DAYS[3:6]), [Window(DAYS[3], DAYS[5])]) == ([bar.date for bar in fetched.bars], server.windows(TICKER))


def without_crumb(query: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that an event may hold."""
    return {name: value for name, value in query.items() if name != "crumb"}


def test_the_request_holds_every_parameter_that_arrived_but_the_crumb(
    server: YahooServer, provider: YahooProvider
) -> None:
    """The record equals what the server saw; what serves as a password is in no event."""
    fetched = provider.fetch(TICKER, WINDOW, timeout_s=10)
    seen = server.charts(TICKER)[0].query
    assert Request(ticker=TICKER, window=WINDOW, params=without_crumb(seen)) == fetched.request
    assert {"period1", "period2", "interval", "includePrePost", "events", "crumb"} == set(seen)


def test_source_and_identity_are_what_library_and_server_say(provider: YahooProvider) -> None:
    """Version, status and the server's own clock; symbol, currency, exchange and zone."""
    fetched = provider.fetch(TICKER, WINDOW, timeout_s=10)
    assert (
        Source(library="yfinance", version=yfinance.__version__, http_status=200, http_date=NOON_US) == fetched.source
    )
    assert Identity(symbol=TICKER, currency="BRL", exchange="SAO", timezone="America/Sao_Paulo") == fetched.identity


def test_the_answer_is_kept_byte_for_byte(provider: YahooProvider) -> None:
    """What was sent can be had back from the evidence."""
    sent = chart_body(TICKER, SERIES, start=stamp(DAYS[0]), stop=stamp(DAYS[-1]) + 1)
    fetched = provider.fetch(TICKER, WINDOW, timeout_s=10)
    assert evidence.answer(msgspec.json.encode(sent)) == fetched.answer


def test_actions_are_kept_on_days_without_a_row_too(server: YahooServer, provider: YahooProvider) -> None:
    """The library's frame has no place for those."""
    paid = dividend(split(SERIES, DAYS[30], 2), DAYS[20], 0.25)
    server.series[TICKER] = withdraw(paid, DAYS[20])
    expected = (RawAction(DAYS[20], "dividend", 0.25), RawAction(DAYS[30], "split", 2.0))
    assert expected == provider.fetch(TICKER, WINDOW, timeout_s=10).actions


def test_an_index_is_fetched_like_a_ticker(server: YahooServer, provider: YahooProvider) -> None:
    """Its currency and exchange come as they are, and no other request is made for its zone."""
    server.series["^BVSP"] = msgspec.structs.replace(SERIES, currency="USD", exchange="XXX")
    fetched = provider.fetch("^BVSP", WINDOW, timeout_s=10)
    assert Identity(symbol="^BVSP", currency="USD", exchange="XXX", timezone="America/Sao_Paulo") == fetched.identity
    assert 1 == sum(seen.path.startswith("/v8/") for seen in server.requests)


# --- what passes through for the rules to judge --------------------------------------------------


def test_nulls_zeros_and_strange_days_reach_the_evidence(server: YahooServer, provider: YahooProvider) -> None:
    """A null is NaN in the bars, a null volume 0; the body still says null."""
    saturday = date(2025, 1, 11)
    odd = correct(SERIES, DAYS[5], close=None, volume=None)
    odd = correct(odd, DAYS[7], open=0.0, high=0.0, low=0.0)
    server.series[TICKER] = add(odd, flat(saturday, 31.0))
    by_date = {bar.date: bar for bar in bars(provider)}
    body = {row.date: row for row in chart.rows(evidence.body(provider.fetch(TICKER, WINDOW, timeout_s=10).answer))}
    assert (True, 0) == (by_date[DAYS[5]].close != by_date[DAYS[5]].close, by_date[DAYS[5]].volume)
    assert (None, None) == (body[DAYS[5]].close, body[DAYS[5]].volume)
    assert (0.0, 0.0, 0.0, SERIES.days[7].close) == msgspec.structs.astuple(by_date[DAYS[7]])[1:5]
    assert RawBar(saturday, 31.0, 31.0, 31.0, 31.0, 31.0, 1_000) == by_date[saturday]


def test_a_day_sent_twice_is_twice_in_the_body_and_once_in_the_bars(
    server: YahooServer, provider: YahooProvider
) -> None:
    """The library drops the second; only the body can tell that there was one."""
    server.series[TICKER] = add(SERIES, row(DAYS[9], 1.0, 2.0, 0.5, 1.5, volume=7))
    fetched = provider.fetch(TICKER, WINDOW, timeout_s=10)
    dates = [row.date for row in chart.rows(evidence.body(fetched.answer))]
    assert (raw(SERIES), 2) == (fetched.bars, dates.count(DAYS[9]))


def test_chart_and_library_agree_on_every_date(server: YahooServer, provider: YahooProvider) -> None:
    """Through a year with summer time, stamped at midnight, late in the evening before, and at the opening."""
    window = Window(date(2018, 1, 2), date(2018, 12, 28))
    days = sessions(window)
    made = make_series(days, seed=5).days
    stamped = tuple(msgspec.structs.replace(day, hour=(10, 0, 1)[at % 3]) for at, day in enumerate(made))
    server.series[TICKER] = Series(days=stamped)
    fetched = provider.fetch(TICKER, window, timeout_s=10)
    read = [row.date for row in chart.rows(evidence.body(fetched.answer))]
    assert [bar.date for bar in fetched.bars] == read == list(days)


def test_evening_stamps_mean_the_day_after_to_both(server: YahooServer, provider: YahooProvider) -> None:
    """22:00 and 23:00 the evening before, as Yahoo once stamped B3."""
    evenings = (msgspec.structs.replace(flat(day, 30.0), hour=hour) for day, hour in ((DAYS[1], 22), (DAYS[4], 23)))
    server.series[TICKER] = Series(days=tuple[Day, ...](evenings))
    fetched = provider.fetch(TICKER, WINDOW, timeout_s=10)
    read = [row.date for row in chart.rows(evidence.body(fetched.answer))]
    assert [bar.date for bar in fetched.bars] == read == [DAYS[2], date(2024, 12, 7)]


@pytest.mark.parametrize(
    ("fault", "identity"),
    [
        (Empty(), Identity(symbol=TICKER, currency="BRL", exchange="SAO", timezone="America/Sao_Paulo")),
        (NoResult(), Identity()),
        (Status(code=400), Identity()),
    ],
)
def test_an_answer_with_no_rows_is_an_answer(
    server: YahooServer, provider: YahooProvider, fault: Fault, identity: Identity
) -> None:
    """Empty result, no result, and the 400 that says the data doesn't exist for those dates."""
    server.faults[TICKER] = [fault]
    fetched = provider.fetch(TICKER, WINDOW, timeout_s=10)
    assert ((), (), identity) == (fetched.bars, fetched.actions, fetched.identity)


# --- the fault table -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "message", "status"),
    [
        (Status(code=404), "not-found: 404 No data found, symbol may be delisted", 404),
        (Status(code=429), "rate-limit: 429 Too Many Requests", 429),
        (Status(code=401, times=4), "bad-answer: 401 Invalid Crumb", 401),
        (Status(code=400, body=b"{}"), "bad-answer: 400 Bad Request", 400),
        (Status(code=500), "bad-answer: 500 Internal Server Error", 500),
        (Status(code=503, body=b""), "bad-answer: 503 Service Unavailable", 503),
        (Status(code=999), "bad-answer: 999 (no standard status)", 999),
        (Html(), "bad-answer: 200, but got a body that is no chart (JSON is malformed: invalid character", 200),
        (Truncated(), "bad-answer: 200, but got a body that is no chart (Input data was truncated)", 200),
        (Ragged(), f"bad-answer: 200, but got {len(DAYS) - 1} values in the close column, want {len(DAYS)}", 200),
        (MissingKey(), f"bad-answer: 200, but got no volume column, want one of {len(DAYS)} values", 200),
        (MissingKey(key="timestamp"), f"bad-answer: 200, but got {len(DAYS)} values in the open column, want 0", 200),
        (Reset(), "connection: curl: (56) Recv failure: Connection reset by peer", None),
        (Hang(), "timeout: got no answer within 0.5 s", None),
    ],
)
def test_each_failure_is_told_apart(
    server: YahooServer, provider: YahooProvider, fault: Fault, message: str, status: int | None
) -> None:
    """One line each; status, the server's clock and the body are kept wherever they came."""
    server.faults[TICKER] = [fault]
    error = failure(provider, timeout_s=0.5 if isinstance(fault, Hang) else 10)
    kept = b"" if error.answer is None else evidence.body(error.answer)
    assert message == str(error)[: len(message)]
    assert "\n" not in str(error)
    assert (status, None if status is None else NOON_US) == (error.status_code, error.http_date)
    assert (status is not None and getattr(fault, "body", None) != b"") == bool(kept)
    assert Request(ticker=TICKER, window=WINDOW, params=without_crumb(server.charts(TICKER)[-1].query)) == error.request


def test_an_answer_that_names_no_currency_is_evidence(server: YahooServer, provider: YahooProvider) -> None:
    """The library gives up on it; the rows are the body's own, and rule IDENTITY speaks of them."""
    server.faults[TICKER] = [MissingKey(key="currency")]
    fetched = provider.fetch(TICKER, WINDOW, timeout_s=10)
    assert (None, registry.rows("yfinance", fetched.answer)) == (fetched.identity.currency, fetched.bars)
    assert len(DAYS) == len(fetched.bars)


@pytest.mark.parametrize(
    "events",
    [
        None,
        [],
        {"dividends": [1]},
        {"dividends": {"1": {"amount": 0.5, "date": None}}},
        {"dividends": {"1": {"amount": 0.5, "date": "x"}}},
        {"dividends": {"1": {"amount": 0.5, "date": 10**14}}},
        {"splits": {"1": {"date": stamp(DAYS[9]), "numerator": 0, "denominator": 0}}},
    ],
)
def test_an_event_that_the_library_gives_up_on_costs_no_row(
    server: YahooServer, provider: YahooProvider, events: object
) -> None:
    """The rows are the body's own; what is wrong with the event is for rule EVENT to say."""
    sent = chart_body(TICKER, SERIES, start=0, stop=2**33)
    sent["chart"]["result"][0]["events"] = events
    server.faults[TICKER] = [Status(code=200, body=msgspec.json.encode(sent), times=None)]
    fetched = provider.fetch(TICKER, WINDOW, timeout_s=10)
    assert len(DAYS) == len(fetched.bars)
    assert DAYS == tuple(bar.date for bar in fetched.bars)


@pytest.mark.parametrize(
    ("header", "expected"), [(None, None), ("7", 7), ("Fri, 13 Feb 2026 12:01:30 GMT", 90), ("soon", None)]
)
def test_retry_after_counts_from_the_servers_own_clock(
    server: YahooServer, provider: YahooProvider, header: str | None, expected: int | None
) -> None:
    """A date is held against the `Date` of the same answer, not against our clock."""
    server.faults[TICKER] = [Status(code=429, retry_after=header)]
    assert expected == failure(provider).retry_after_s


def test_a_redirect_out_of_yahoo_is_refused(server: YahooServer, provider: YahooProvider) -> None:
    """Nothing is sent to the other host."""
    server.faults[TICKER] = [Status(code=302, location="https://example.com/x", times=1)]
    assert "bad-answer: got sent to https://example.com, want https://*.yahoo.com" == str(failure(provider))


def test_a_redirect_within_yahoo_is_followed_under_the_base(server: YahooServer, provider: YahooProvider) -> None:
    """Relative or absolute, it comes back to the server."""
    there = f"https://query1.finance.yahoo.com/v8/finance/chart/{TICKER}?period1=0&period2=2000000000"
    server.faults[TICKER] = [Status(code=302, location=there, times=1)]
    assert raw(SERIES) == bars(provider)


def test_redirects_without_end_are_an_error(server: YahooServer, provider: YahooProvider) -> None:
    """Six are not followed."""
    here = f"https://query2.finance.yahoo.com/v8/finance/chart/{TICKER}?period1=0&period2=1"
    server.faults[TICKER] = [Status(code=302, location=here, times=None)]
    assert "bad-answer: got more than 5 redirects, want an answer" == str(failure(provider))


# --- retries, time, threads ----------------------------------------------------------------------


def test_a_retry_sends_again(server: YahooServer, provider: YahooProvider) -> None:
    """The library would have remembered the 500 and failed for ever."""
    server.faults[TICKER] = [Status(code=500)]
    failure(provider)
    assert (raw(SERIES), REQUESTS_A_REFUSAL + 1) == (bars(provider), len(server.charts(TICKER)))


def test_a_second_fetch_sees_a_revision(server: YahooServer, provider: YahooProvider) -> None:
    """The library would have remembered the first answer."""
    bars(provider)
    server.series[TICKER] = correct(SERIES, DAYS[3], close=29.0)
    assert raw(server.series[TICKER]) == bars(provider)


def test_a_stale_crumb_is_asked_for_anew(server: YahooServer, provider: YahooProvider) -> None:
    """Whoever notices first, library or provider, the fetch goes on with another crumb."""
    provider.fetch(TICKER, WINDOW, timeout_s=10)
    stale = server.charts(TICKER)[-1].query["crumb"]
    server.revoked_crumbs.add(stale)
    fetched = provider.fetch(TICKER, WINDOW, timeout_s=10)
    assert (True, raw(SERIES)) == (server.charts(TICKER)[-1].query["crumb"] != stale, fetched.bars)


@pytest.mark.parametrize(("refusals", "requests"), [(2, 3), (4, 4)])
def test_the_crumb_is_refreshed_once_and_no_more(
    server: YahooServer, provider: YahooProvider, refusals: int, requests: int
) -> None:
    """After the library's own two requests, one more round; then 401 is the answer."""
    server.faults[TICKER] = [Status(code=401, times=refusals)]
    try:
        outcome = len(bars(provider))
    except ProviderError as error:
        outcome = error.status_code or 0
    crumbs = {seen.query["crumb"] for seen in server.charts(TICKER)}
    assert (len(DAYS) if refusals == 2 else 401, requests) == (outcome, len(server.charts(TICKER)))
    assert requests == len(crumbs)


def test_the_deadline_holds_while_the_server_hangs(server: YahooServer, provider: YahooProvider) -> None:
    """Within half a second of what was granted."""
    server.faults[TICKER] = [Hang()]
    started = time.monotonic()
    error = failure(provider, timeout_s=0.5)
    assert ("timeout", True) == (error.kind, 0.5 <= time.monotonic() - started < 1.0)


def test_hosts_for_cookie_and_crumb_that_hang_leave_time_for_the_chart(
    server: YahooServer, provider: YahooProvider
) -> None:
    """The chart answers without either."""
    server.hanging_hosts.update({"fc.yahoo.com", "guce.yahoo.com", "query1.finance.yahoo.com"})
    started = time.monotonic()
    fetched = provider.fetch(TICKER, WINDOW, timeout_s=2)
    assert (raw(SERIES), True) == (fetched.bars, time.monotonic() - started < 2)


def test_eight_threads_never_mix_up_forty_tickers(server: YahooServer, provider: YahooProvider) -> None:
    """Each fetch records its own call, though yfinance shares one session; one failure in four harms no other."""
    tickers = [f"TST{number}3.SA" for number in range(40)]
    server.delay_s = 0.005
    server.series = {ticker: make_series(DAYS, seed=number) for number, ticker in enumerate(tickers)}
    server.faults = {ticker: [Status(code=429, retry_after=str(n))] for n, ticker in enumerate(tickers) if n % 4 == 0}

    def outcome(ticker: str) -> object:
        try:
            fetched = provider.fetch(ticker, WINDOW, timeout_s=30)
        except ProviderError as error:
            return error.request.ticker, error.kind, error.retry_after_s
        return fetched.identity.symbol, fetched.bars

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(outcome, tickers))
    expected = [
        (ticker, "rate-limit", number) if number % 4 == 0 else (ticker, raw(server.series[ticker]))
        for number, ticker in enumerate(tickers)
    ]
    assert expected == outcomes


# --- manners -------------------------------------------------------------------------------------


def test_nothing_is_printed_and_nothing_is_stored(
    server: YahooServer, provider: YahooProvider, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the library's log, nor its warnings, nor its cache files."""
    server.faults[TICKER] = [Status(code=404), Status(code=429), Html()]
    for _ in range(3):
        failure(provider)
    bars(provider)
    assert ("", "", []) == (*capfd.readouterr(), list(tmp_path.rglob("*")))


def test_threads_that_start_at_once_set_the_library_up_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters of warnings are the process's: set by two at once, they are gone for a moment."""
    calls: list[str] = []

    def slow(action: str, **_: object) -> None:
        calls.append(action)
        time.sleep(0.05)

    monkeypatch.setattr(warnings, "filterwarnings", slow)
    with ThreadPoolExecutor(4) as pool:
        libraries = set(pool.map(_library, [tmp_path / "another"] * 4))
    assert ({yfinance}, ["ignore"]) == (libraries, calls)


# --- the probe -----------------------------------------------------------------------------------


def probed(provider: YahooProvider, timeout_s: float = 5) -> tuple[str | None, str | None]:
    """Return what a probe says went wrong."""
    probe = provider.probe(timeout_s=timeout_s)
    return probe.error_kind, probe.message


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (Status(code=429, times=1), "rate-limit", "429 Too Many Requests"),
        (Status(code=500, times=1), "bad-answer", "500 Internal Server Error"),
        (Reset(), "connection", "curl: (56) Recv failure: Connection reset by peer"),
        (Hang(), "timeout", "got no answer within 0.3 s"),
    ],
)
def test_a_probe_tells_what_is_wrong(
    server: YahooServer, provider: YahooProvider, fault: Fault, kind: str, message: str
) -> None:
    """By the same kinds as a fetch, and it never raises."""
    server.faults[TICKER] = [fault]
    assert (kind, message) == probed(provider, 0.3 if isinstance(fault, Hang) else 5)


def test_a_probe_is_one_chart_request(server: YahooServer, provider: YahooProvider) -> None:
    """Without cookie and crumb, and with its latency."""
    server.delay_s = 0.02
    probe = provider.probe(timeout_s=5)
    expected = [("query2.finance.yahoo.com", f"/v8/finance/chart/{TICKER}", {"range": "1d", "interval": "1d"})]
    assert (Probe(latency_ms=probe.latency_ms), True) == (probe, 20 <= probe.latency_ms < 1_000)
    assert expected == [(seen.host, seen.path, seen.query) for seen in server.requests]


def test_a_probe_of_a_closed_port_is_a_connection_error(tmp_path: Path) -> None:
    """Nobody listens where a server has just closed."""
    with YahooServer() as gone:
        url = gone.url
    assert "connection" == probed(YahooProvider(base_url=url, cache_dir=tmp_path))[0]
