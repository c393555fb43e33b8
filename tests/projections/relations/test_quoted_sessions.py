"""Every field of many sessions at once is that of the rows, whatever the lines of the file hold."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.memory_log import MemoryLog
from projections.api import market_rows
from projections.api.faces import to_columns
from projections.api.rows import MarketPrice
from projections.models import prices
from projections.queries.choosing import SeriesWanted, quoting
from projections.relations import quoted_sessions
from projections.store.runner import open_view
from tests.support.cotahist import line
from tests.support.listed import PROVIDER, Listed

FIRST = date(2025, 3, 6)
NUMBERS = {"trades": slice(147, 152), "average": slice(95, 108), "distribution": slice(242, 245)}
PRICES = st.integers(0, 10**7)

FIELDS = st.fixed_dictionaries(
    {"close": st.integers(1, 10**7)},
    optional={
        "mean": PRICES,
        "bid": PRICES,
        "ask": PRICES,
        "trades": st.integers(0, 99_999),
        "value": st.one_of(st.integers(0, 10**12), st.integers(9 * 10**14, 10**18 - 1)),
        "factor": st.sampled_from([1, 3, 7, 1_000]),
        "name": st.sampled_from(["PETROBRAS", "AÇÚCAR"]),
        "specification": st.sampled_from(["ON", "PN      N2", "CI"]),
        "isin": st.sampled_from(["BRPETRACNPR6", "", "BRTSTUCTF001"]),
        "market": st.sampled_from(["010", "070", "030"]),
        "term": st.sampled_from(["", "030", "000"]),
        "strike": PRICES,
        "strike_points": PRICES,
        "correction": st.sampled_from(["0", "1", " "]),
        "expiry": st.sampled_from(["99991231", "20250321", "20250230", "        "]),
        "distribution": st.integers(0, 999),
    },
)
SPOILT = st.one_of(st.none(), st.sampled_from(sorted(NUMBERS)))
LINES = st.lists(st.tuples(st.integers(0, 6), FIELDS, SPOILT), min_size=1, max_size=6)
# Each answer: of which ticker, its lines, how they end, and whether the last one has an end.
ANSWERS = st.lists(
    st.tuples(st.sampled_from(["PETR4", "VALE3"]), LINES, st.sampled_from([b"\r\n", b"\n"]), st.booleans()),
    min_size=1,
    max_size=4,
)


def written(lines: list[tuple[int, dict[str, Any], str | None]], code: str) -> list[bytes]:
    """Return the lines by day, each with a field that is no number where that is drawn."""
    found = []
    for after, fields, spoilt in sorted(lines, key=lambda one: one[0]):
        text = bytearray(line(FIRST + timedelta(days=after), code, **fields))
        if spoilt is not None:
            text[NUMBERS[spoilt]] = b" " * len(text[NUMBERS[spoilt]])
        found.append(bytes(text))
    return found


def assert_equal_rows(log: MemoryLog) -> None:
    """Compare as of each position, in Arrow's columns and in plain lists."""
    with open_view(log, None) as view:
        for position in range(log.head().size + 1):
            wanted = quoting(view, position, SeriesWanted(order=(PROVIDER,)))
            rows = [
                row for series in wanted for row in market_rows.fields(log, view.state[prices.NAME], series, position)
            ]
            want = to_columns(MarketPrice, rows)
            found = list(quoted_sessions.quoted_sessions(log, view, wanted, position))
            assert want.to_arrow().to_pylist() == [row for one in found for row in one.block.to_arrow().to_pylist()]
            assert all(one.block.to_arrow().schema == want.to_arrow().schema for one in found)
            for name, values in want.plain().items():
                assert values == [value for one in found for value in one.block.plain()[name]]
            for one in found:
                tickers = one.block.plain()["ticker"]
                assert [(part.series.ticker, part.stop - part.start) for part in one.parts] == [
                    (ticker, tickers.count(ticker)) for ticker in dict.fromkeys(tickers)
                ]


@given(ANSWERS)
def test_every_field_is_that_of_the_rows(
    answers: list[tuple[str, list[tuple[int, dict[str, Any], str | None]], bytes, bool]],
) -> None:
    """Of several answers, two lines of a session, blank and huge numbers, days that are none, either line end."""
    log = Listed()
    for code, drawn, end, is_ended in answers:
        lines = written(drawn, code)
        whole = b"".join(lines).replace(b"\r\n", end)
        log.imported(lines, f"{code}.SA", body=whole if is_ended else whole.removesuffix(end))
    assert_equal_rows(log.log)


def test_sound_answers_are_read_by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one row is made of them; two lines of one session are looked at one by one."""
    log = Listed()
    log.imported([line(FIRST, bid=0), line(FIRST + timedelta(days=1), term="030", factor=7)])
    log.imported([line(FIRST + timedelta(days=1), close=9_999, name="OUTRA")])
    assert_equal_rows(log.log)
    with open_view(log.log, None) as view:
        position, wanted = view.head.size, quoting(view, view.head.size, SeriesWanted(order=(PROVIDER,)))
        with monkeypatch.context() as patched:
            patched.delattr(market_rows, "held_fields")
            (found,) = quoted_sessions.quoted_sessions(log.log, view, wanted, position)
    assert (["SINTETICA", "OUTRA"], [None, 99.99]) == (found.block.plain()["name"], found.block.plain()["bid"])


def test_what_an_answer_says_nothing_of_is_left_out() -> None:
    """As in the rows: a bar whose day the recorded answer has no line of."""
    log = Listed()
    lines = [line(FIRST), line(FIRST + timedelta(days=1))]
    log.imported(lines, body=lines[0])
    log.imported([line(FIRST, "VALE3")], "VALE3.SA", body=line(FIRST + timedelta(days=1), "VALE3"))
    assert_equal_rows(log.log)
