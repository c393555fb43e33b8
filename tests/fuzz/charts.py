"""Chart bodies with something wrong in them, from the answer to the encoded decision."""

import json
import random
from datetime import date, timedelta
from pathlib import Path

import msgspec

from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ingest import judging
from ledger.ingest.providers import headers
from ledger.ingest.providers.evidence import answer
from ledger.ingest.providers.yahoo import chart
from ledger.ingest.rules.held import Held
from ledger.market.sessions import sessions
from ledger.values import Request, Source, Window
from tests.faults.tally import Tally
from tests.fuzz import junk
from tests.support.yahoo_series import chart_body, dividend, make_series, split, stamp

LONG_ROUNDS = 100_000
TICKER = "PETR4.SA"
WINDOW = Window(date(2025, 11, 3), date(2025, 11, 28))
DATES = ("Mon, 03 Nov 99999999999 12:00:00 GMT", "Mon, 03 Nov 0000 12:00:00 GMT", "Mon, 03 Nov 0001 12:00:00 +9999")
HEADERS = ("", "1", "-1", "9" * 400, "\x00", "x", *DATES)


def campaign(seed: int, rounds: int, _folder: Path, tally: Tally) -> None:
    """Judge `rounds` bodies; each is an answer with a decision that can be encoded, or refused as none."""
    days = sessions(WINDOW)
    series = split(dividend(make_series(days, seed=1), days[5], 0.5), days[9], 2)
    sound = chart_body(TICKER, series, start=stamp(days[0]), stop=stamp(days[-1] + timedelta(days=1)))
    held = _decided(json.dumps(sound).encode(), Held({}))
    assert held is not None
    states = (Held({}), Held({bar.date: bar for bar in held.bars}))
    for number in range(seed, seed + rounds):
        rng = random.Random(number)
        body = _spoilt(rng, sound)
        with tally.holding(number, body[:300]):
            _judged(rng, body, rng.choice(states), tally)


def _spoilt(rng: random.Random, sound: object) -> bytes:
    node = sound
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        node = junk.replaced(rng, node)
    body = json.dumps(node).encode()
    return junk.spoiled(rng, body) if rng.random() < 0.15 else body


def _judged(rng: random.Random, body: bytes, held: Held, tally: Tally) -> None:
    chart.complaint(body)
    headers.retry_after_s(rng.choice(HEADERS), now_us=0)
    try:
        decision = _decided(body, held)
    except chart.ChartError:
        tally.count("refused as no chart")
        return
    except judging.EvidenceError:
        tally.count("refused by the judge")
        return
    tally.count("wider range asked for" if decision is None else decision.verdict)


def _decided(body: bytes, held: Held) -> ValidationCompleted | None:
    bars, identity, actions = chart.raw_bars(body), chart.identity(body), chart.actions(body)
    fetch = FetchSucceeded(
        ticker=TICKER,
        provider="yfinance",
        attempt=1,
        started_at=1_764_590_400_000_000,
        finished_at=1_764_590_400_000_000,
        request=Request(ticker=TICKER, window=WINDOW, params={}),
        source=Source(library="yfinance", version="1"),
        answer=answer(body),
        identity=identity,
        bars=bars,
        actions=actions,
    )
    msgspec.msgpack.encode(fetch)
    decision = judging.judged(fetch, held, threshold_percent=10.0)
    if not isinstance(decision, ValidationCompleted):
        return None
    msgspec.msgpack.encode(decision)
    return decision
