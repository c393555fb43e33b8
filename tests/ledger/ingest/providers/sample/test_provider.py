"""The bundled sample: what is in it, that it can be remade, and that it needs no network."""

import gzip
import math
import struct
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.ingest.providers import evidence
from ledger.ingest.providers.port import Fetched, Probe, ProviderError
from ledger.ingest.providers.sample import RECORDING
from ledger.ingest.providers.sample.provider import FIRST_DAY, FOLDER, TICKERS, SampleProvider
from ledger.ingest.providers.yahoo import chart
from ledger.market import sessions
from ledger.values import Identity, RawAction, RawBar, Source, Window

ROOT = Path(__file__).parents[5]
ALL = Window(FIRST_DAY, RECORDING.last_day)
DIVIDEND_DAY, SPLIT_DAY = date(2025, 3, 12), date(2025, 4, 16)

OFFLINE = """
import sys
from datetime import date
seen = set()
sys.addaudithook(lambda event, args: seen.add(event))
from ledger.values import Window
from ledger.ingest.providers.sample.provider import SampleProvider
SampleProvider().fetch("PETR4.SA", Window(date(2026, 1, 2), date(2026, 2, 13)), timeout_s=1)
heavy = {"pandas", "numpy", "yfinance", "curl_cffi", "socket", "ssl"} & set(sys.modules)
print(sorted(heavy), sorted(event for event in seen if event.startswith("socket")))
"""


def fetch(ticker: str, window: Window = ALL) -> Fetched:
    """Return the sample's answer."""
    return SampleProvider().fetch(ticker, window, timeout_s=1)


def sound(bars: Iterable[RawBar]) -> list[RawBar]:
    """Return the bars whose prices are in order and above zero."""
    return [bar for bar in bars if 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high]


def test_the_script_makes_the_committed_sample_again(tmp_path: Path) -> None:
    """Body for body: the compressed bytes may differ with the machine's zlib."""
    subprocess.run([sys.executable, str(ROOT / "scripts" / "make_sample.py"), str(tmp_path)], check=True)
    remade = {file.name: gzip.decompress(file.read_bytes()) for file in tmp_path.iterdir()}
    assert {file.name: gzip.decompress(file.read_bytes()) for file in FOLDER.iterdir()} == remade
    assert [f"{ticker}.json.gz" for ticker in TICKERS] == sorted(remade)


def test_no_socket_and_no_heavy_import() -> None:
    """An audit hook in a fresh interpreter sees none."""
    run = subprocess.run([sys.executable, "-c", OFFLINE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "[] []\n" == run.stdout


def test_the_clock_of_the_sample_stands_after_its_last_session_is_final() -> None:
    """So that none of its rows is a partial one."""
    assert RECORDING.last_day == sessions.trading_day(RECORDING.recorded_at)
    assert RECORDING.recorded_at > sessions.final_at(RECORDING.last_day)


@pytest.mark.parametrize("ticker", ["PETR4.SA", "VALE3.SA", "BBAS3.SA"])
def test_the_sound_tickers_have_every_session_of_two_years(ticker: str) -> None:
    """One sound row a session, none alike, and no day moves by 10 %."""
    bars = fetch(ticker).bars
    closes = [bar.close for bar in bars]
    assert list(sessions.sessions(ALL)) == [bar.date for bar in bars]
    assert list(bars) == sound(bars)
    assert len(bars) == len({(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars})
    assert max(abs(math.log(after / before)) for before, after in pairwise(closes)) < math.log(1.1)


@pytest.mark.parametrize("ticker", TICKERS)
def test_prices_are_widened_from_float32(ticker: str) -> None:
    """As Yahoo ships them: narrowing loses nothing, and the short decimal is back."""
    closes = [bar.close for bar in fetch(ticker).bars]
    assert closes == [struct.unpack("f", struct.pack("f", close))[0] for close in closes]
    assert any(close != round(close, 2) for close in closes)


def test_the_dividend_lowers_adjusted_closes_before_it_by_one_factor() -> None:
    """1 - D / previous close before the day, 1 from it on."""
    fetched = fetch("VALE3.SA")
    previous = [bar.close for bar in fetched.bars if bar.date < DIVIDEND_DAY][-1]
    factors = [(bar.adj_close or 0) / bar.close for bar in fetched.bars]
    expected = [1 - 2.0 / previous if bar.date < DIVIDEND_DAY else 1.0 for bar in fetched.bars]
    assert (RawAction(DIVIDEND_DAY, "dividend", 2.0),) == fetched.actions
    assert expected == pytest.approx(factors, rel=2e-7)


def test_the_split_leaves_no_step_in_the_prices() -> None:
    """History is on today's scale, adjusted closes equal closes."""
    fetched = fetch("BBAS3.SA")
    assert (RawAction(SPLIT_DAY, "split", 2.0),) == fetched.actions
    assert [bar.close for bar in fetched.bars] == [bar.adj_close for bar in fetched.bars]


def test_four_rows_of_itub4_are_unsound_each_in_its_own_way() -> None:
    """Zeros beside a close, a null, low above high, and a Saturday."""
    bars = fetch("ITUB4.SA").bars
    zero, null, crossed = (bar for bar in bars if bar not in sound(bars))
    closed = [bar.date.weekday() for bar in bars if not sessions.is_session(bar.date)]
    assert (0.0, 0.0, 0.0, True) == (zero.open, zero.high, zero.low, zero.close > 0)
    assert (True, False) == (math.isnan(null.open), math.isnan(null.close))
    assert (True, [5]) == (crossed.low > crossed.high, closed)


@pytest.mark.parametrize(
    ("window", "days", "actions"),
    [
        (Window(DIVIDEND_DAY, date(2025, 3, 14)), [12, 13, 14], 1),
        (Window(date(2025, 3, 13), date(2025, 3, 16)), [13, 14], 0),
        (Window(date(2025, 3, 15), date(2025, 3, 16)), [], 0),
        (Window(date(2019, 1, 1), date(2019, 12, 31)), [], 0),
    ],
)
def test_a_window_cuts_rows_actions_and_evidence_alike(window: Window, days: list[int], actions: int) -> None:
    """The body kept is the body of that window, as Yahoo would have sent it."""
    fetched = fetch("VALE3.SA", window)
    body = evidence.body(fetched.answer)
    assert (days, actions) == ([bar.date.day for bar in fetched.bars], len(fetched.actions))
    assert (days, fetched.actions) == ([row.date.day for row in chart.rows(body)], chart.actions(body))


def test_the_sample_says_what_it_is() -> None:
    """Its source is no library and no HTTP; its identity is B3's."""
    fetched = fetch("PETR4.SA")
    named = Identity(symbol="PETR4.SA", currency="BRL", exchange="SAO", timezone="America/Sao_Paulo")
    assert (Source(library="sample", version="1"), named) == (fetched.source, fetched.identity)
    assert Probe(latency_ms=0) == SampleProvider().probe(timeout_s=1)


@pytest.mark.parametrize("ticker", ["MGLU3.SA", "petr4.sa", "../../x", ""])
def test_another_ticker_is_not_found(ticker: str) -> None:
    """The error names the four that are, and no path is touched."""
    with pytest.raises(ProviderError) as caught:
        fetch(ticker)
    message = f"not-found: got {ticker}, want one of BBAS3.SA, ITUB4.SA, PETR4.SA, VALE3.SA"
    assert message == str(caught.value)
