"""Columns read what is read line by line: the same refusal at the same line, the same events to the byte."""

from collections import Counter
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger.ingest.providers.cotahist import (
    column_intake,
    columns,
    file,
    intake,
    layout,
    line_runs,
    packed_bars,
    reading,
)
from ledger.ingest.providers.cotahist.column_intake import ColumnIntake
from ledger.ingest.providers.cotahist.intake import Selection
from ledger.ingest.providers.cotahist.line_runs import LineRuns
from ledger.ingest.providers.cotahist.packed_bars import SessionColumns
from ledger.market.price import reais
from ledger.market.series_state import array
from ledger.market.sessions import shift
from ledger.values import Bar, RawBar
from scripts.exchange_month import month_lines
from tests.ledger.ingest.providers.cotahist.both import Outcome, agreed, ledger, shown
from tests.ledger.ingest.providers.cotahist.damage import damaged
from tests.support.cotahist import line, made, quotes, text

ALL, SPOT = Selection(market="all"), Selection()
FIRST = date(2025, 1, 2)
DAYS = [shift(FIRST, number) for number in range(6)]
encode = msgspec.msgpack.encode


def tally(outcomes: list[Outcome]) -> Counter[str]:
    """Count what became of files."""
    return Counter("refused" if one.refused else "columns" if one.by_columns else "lines" for one in outcomes)


def test_a_year_of_a_few_markets_is_read_alike(tmp_path: Path) -> None:
    """By columns, splits and a code that is no ticker in it; all of it, the spot market, or one ticker."""
    path = made(tmp_path / "A.ZIP", quotes(records=6_000, year=2025, seed=3))
    wanted = [ALL, SPOT, Selection(market="all", tickers=frozenset({"ZAAB3.SA", "ZAAA3F.SA"}))]
    assert {"columns": 3} == tally([agreed(path, one) for one in wanted])


@pytest.mark.parametrize("year", [1985, 1988, 1990, 1992, 1993, 1994, 1997])
def test_years_of_former_currencies_are_read_alike(year: int, tmp_path: Path) -> None:
    """Each currency is a series of its own, and the calendar knows none of the days."""
    path = made(tmp_path / "A.TXT", quotes(records=1_500, year=year, seed=5), year=year)
    found = agreed(path, ALL)
    assert found.by_columns
    if year < 1994:
        assert all("~" in ticker for ticker in found.present)


def test_a_month_of_the_whole_exchange_is_read_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options, forwards, auctions, blocks, receipts and exercises too, in many small blocks, runs and batches."""
    monkeypatch.setattr(columns, "BLOCK_LINES", 500)
    monkeypatch.setattr(line_runs, "RUN_BYTES", 100_000)
    monkeypatch.setattr(line_runs, "BATCH_LINES", 300)
    path = made(tmp_path / "M.TXT", month_lines(date(2025, 3, 1), papers=60, seed=2, every_kind=True))
    found = agreed(path, ALL)
    assert found.by_columns
    marks = {ticker.partition("@")[2][:1] for ticker in found.present}
    assert {"", "2", "T", "M"} == marks


def test_files_over_what_is_held_leave_the_same_ledger(tmp_path: Path) -> None:
    """A month, a day of it, a younger and an older one with other closes, the next month, the first file again."""
    usual = list(month_lines(date(2025, 3, 1), papers=20, seed=2, every_kind=True))
    day = [one for one in usual if one[2:10] == b"20250312"]
    dearer = [one[:108] + b"%013d" % (int(one[108:121]) + 1) + one[121:] for one in day]
    later = list(month_lines(date(2025, 4, 1), papers=24, seed=2, every_kind=True))
    files = [
        made(tmp_path / "M03.TXT", usual, made_on=date(2025, 3, 31)),
        made(tmp_path / "D1.TXT", day, made_on=date(2025, 3, 12)),
        made(tmp_path / "D2.TXT", dearer[1:], made_on=date(2025, 4, 15)),
        made(tmp_path / "D3.TXT", dearer, made_on=date(2025, 3, 13)),
        made(tmp_path / "M04.TXT", later, made_on=date(2025, 4, 30)),
        tmp_path / "M03.TXT",
    ]
    want = ledger(tmp_path / "lines", files, by_lines=True)
    found = ledger(tmp_path / "columns", files, by_lines=False)
    assert want == found
    assert len(want) > 1_000


drawn_lines = st.lists(
    st.builds(
        lambda day, code, close, fields: line(day, code, close, value=1, **fields),
        st.sampled_from([*DAYS, date(2025, 1, 4), date(2025, 12, 31)]),
        st.sampled_from(["PETR4", "PETR4F", "VALE3", "BBASA45", "ZSEMNUM", "É", "AB"]),
        st.integers(1, 400) | st.integers(1, 10**13 - 1),
        st.fixed_dictionaries(
            {},
            optional={
                "open": st.integers(0, 500),
                "high": st.integers(1, 2_000),
                "low": st.integers(1, 90),
                "shares": st.sampled_from([0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 10**18 - 1]),
                "market": st.sampled_from(["010", "010", "012", "017", "020", "030", "070", "0X0"]),
                "factor": st.sampled_from([1, 1, 1, 3, 7, 1_000, 9_999_999, 0]),
                "currency": st.sampled_from(["R$", "R$", "CR$", "cr$", "CZ$", "URV", "US$", "??"]),
                "term": st.sampled_from(["", "030", "60", "X"]),
                "expiry": st.sampled_from(["20250117", "20250230", "99991231"]),
                "mean": st.integers(0, 10**13 - 1),
                "name": st.sampled_from(["SINTETICA", "AÇÃO"]),
            },
        ),
    ),
    max_size=30,
)


@given(lines=drawn_lines, market=st.sampled_from([ALL, SPOT]), in_order=st.booleans())
@settings(max_examples=200)
def test_any_quotes_are_read_alike(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], market: Selection, in_order: bool
) -> None:
    """In any order, days twice, prices of 13 digits, every market, term, expiry, currency and factor."""
    path = tmp_path_factory.mktemp("any") / "A.TXT"
    path.write_bytes(text(sorted(lines) if in_order else lines))
    agreed(path, market)


sessions_drawn = st.lists(
    st.tuples(st.sampled_from(DAYS), *[st.integers(1, 99_999) for _ in range(4)], st.integers(0, 3)), max_size=40
)


@given(rows=sessions_drawn, flat=st.booleans())
@settings(max_examples=200)
def test_any_walk_of_one_ticker_is_judged_alike(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]], flat: bool
) -> None:
    """Jumps, ranges, slips of a unit, repeats and idle days: what a rule names, it is asked for."""
    walk = [
        line(day, "PETR4", close, open=opened, high=max(opened, close) if flat else high, low=low, shares=shares * 100)
        for day, opened, high, low, close, shares in sorted({row[0]: row for row in rows}.values())
    ]
    path = tmp_path_factory.mktemp("walk") / "A.TXT"
    path.write_bytes(text(walk))
    agreed(path, ALL)


def test_damaged_files_are_refused_alike(tmp_path: Path) -> None:
    """The short form, 150 files: the same verdict, line and words, or the same events."""
    found = tally([agreed(damaged(seed, tmp_path), ALL) for seed in range(150)])
    assert found["refused"] > 60
    assert found["columns"] > 10


@pytest.mark.campaign
def test_a_thousand_damaged_files_are_refused_alike(tmp_path: Path) -> None:
    """The long form: 1,000 files, and what became of them is printed."""
    found = tally([agreed(damaged(20_261_130 + number, tmp_path), ALL) for number in range(1_000)])
    print(f"1,000 damaged files: {dict(found)}")
    assert found["refused"] > 400


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("last", [b"\r\n", b"\n", b""])
def test_both_line_ends_are_read_by_columns(end: bytes, last: bytes, tmp_path: Path) -> None:
    """Of all lines alike; the trailer's may be another, or none."""
    lines = [one[:245] + end for one in text([line(day) for day in DAYS]).splitlines()]
    path = tmp_path / "A.TXT"
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:245] + last)
    assert agreed(path, ALL).by_columns


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 12])
def test_blocks_of_every_length_are_read_alike(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotes that fill a block, or two, or one and a line; none at all."""
    monkeypatch.setattr(columns, "BLOCK_LINES", 6)
    path = tmp_path / "A.TXT"
    path.write_bytes(text(line(DAYS[number % 6], f"PETR{number // 6 + 3}") for number in range(count)))
    found = agreed(path, ALL)
    assert (count, True) == (found.contents and found.contents.records, found.by_columns)


def test_a_file_of_few_lines_is_read_a_line_at_a_time(tmp_path: Path) -> None:
    """Both readers come to the same, so that the quicker one may be taken."""
    few, many = (made(tmp_path / f"{count}.TXT", quotes(records=count, year=2025, seed=3)) for count in (400, 1_200))
    for path, by_columns in ((few, False), (many, True)):
        with ExitStack() as held, file.opened(path) as found:
            assert by_columns == isinstance(reading.quickest(found, ALL, held, shown).intake, ColumnIntake)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(DAYS), *[st.integers(0, 10**17) for _ in range(4)], st.integers(0, 10**18 - 1)),
        min_size=1,
        max_size=300,
    )
)
@example(rows=[(FIRST, 2**7 - 1, 2**7, 2**8 - 1, 2**8, 2**16 - 1), (FIRST, 2**16, 2**32 - 1, 2**32, 0, 2**16)])
def test_bars_are_packed_as_the_encoder_packs_them(rows: list[tuple[Any, ...]]) -> None:
    """Numbers of every size, arrays of every length."""
    written = np.frombuffer(b"".join(f"{row[0]:%Y%m%d}".encode() for row in rows), np.uint8).reshape(-1, 8)
    numbers = [np.array(column, np.int64) for column in list(zip(*rows, strict=True))[1:]]
    packed = packed_bars.bars(SessionColumns(written, *numbers))
    bars = [Bar(day, opened, high, low, close, None, volume) for day, opened, high, low, close, volume in rows]
    assert encode(bars) == packed.array(0, len(bars))
    for start in (0, len(bars) // 2, len(bars) - 1):
        assert encode(bars[start:]) == packed.array(start, len(bars))
        assert array(map(encode, bars[:start])) == packed.array(0, start) if start else True


@given(micros=st.lists(st.integers(0, 10**15 - 1) | st.integers(0, 2**24).map(lambda one: one * 62_500), min_size=1))
def test_floats_are_those_that_are_read_line_by_line(micros: list[int]) -> None:
    """Those that a float32 names with a digit less too."""
    found = packed_bars.floats(np.array(micros, np.int64)).view(np.float64).tolist()
    assert [reais(one) for one in micros] == found
    raw = RawBar(FIRST, found[0], found[0], found[0], found[0], None, 1)
    written = np.frombuffer(f"{FIRST:%Y%m%d}".encode(), np.uint8).reshape(1, 8)
    price = np.array(micros[:1], np.int64)
    packed = packed_bars.raw_bars(SessionColumns(written, price, price, price, price, np.array([1], np.int64)))
    assert encode([raw]) == packed.array(0, 1)


@given(st.lists(st.tuples(st.integers(0, 10**11 - 1), st.sampled_from([1, 2, 3, 7, 8, 10, 1_000, 9_999_999]))))
def test_prices_of_many_shares_are_rounded_as_one_at_a_time(prices: list[tuple[int, int]]) -> None:
    """Half to even."""
    centavos, factors = (np.array([row[place] for row in prices], np.int64) for place in (0, 1))
    assert [layout.micros_a_share(*row) for row in prices] == columns.micros_a_share(centavos, factors).tolist()


@given(st.lists(st.integers(0, 10**18 - 1), min_size=1))
def test_digits_are_the_number_that_they_write(numbers: list[int]) -> None:
    """All eighteen of them."""
    written = np.frombuffer("".join(f"{one:018d}" for one in numbers).encode(), np.uint8).reshape(-1, 18)
    assert numbers == columns.number(written).tolist()


@given(
    of=st.lists(st.lists(st.integers(0, 5), max_size=20), max_size=6),
    names=st.permutations(["A", "B", "C", "D", "E", "F"]),
    run_lines=st.integers(1, 30),
    batch_lines=st.integers(1, 30),
)
def test_runs_give_each_ticker_its_lines_in_order(
    of: list[list[int]], names: list[str], run_lines: int, batch_lines: int
) -> None:
    """However many are put down together, written together and taken up together."""
    want: dict[str, list[bytes]] = {}
    with pytest.MonkeyPatch.context() as patched, LineRuns() as runs:
        patched.setattr(line_runs, "RUN_BYTES", run_lines * 4)
        patched.setattr(line_runs, "BATCH_LINES", batch_lines)
        number = 0
        for series in of:
            lines = [(number + place).to_bytes(4, "big") for place in range(len(series))]
            number += len(series)
            for one, bytes_of in zip(series, lines, strict=True):
                want.setdefault(names[one], []).append(bytes_of)
            runs.put(np.array(series, np.int64), np.frombuffer(b"".join(lines), np.uint8).reshape(-1, 4), names)
        found: list[tuple[str, list[bytes]]] = []
        for batch in runs.batches(names):
            assert len(batch.lines) <= batch_lines or len(batch.tickers) == 1
            for place, ticker in enumerate(batch.tickers):
                rows = batch.lines[batch.bounds[place] : batch.bounds[place + 1]]
                found.append((ticker, [row.tobytes() for row in rows]))
    assert sorted(want.items()) == found


def test_a_hash_that_two_names_share_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is read line by line then."""
    monkeypatch.setattr(column_intake, "_MIX", np.zeros(5, np.uint64))
    path = tmp_path / "A.TXT"
    path.write_bytes(text([line(FIRST, "PETR4"), line(FIRST, "VALE3")]))
    found = agreed(path, ALL)
    assert ({"PETR4.SA", "VALE3.SA"}, False) == (set(found.present), found.by_columns)


def test_more_than_fits_is_said_by_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotes of one ticker, tickers of one file."""
    path = tmp_path / "A.TXT"
    path.write_bytes(text(line(day, code) for day in DAYS for code in ("PETR4", "VALE3", "ITSA4")))
    for name, limit in (("TICKER_QUOTES_MAX", 4), ("TICKERS_MAX", 2)):
        with monkeypatch.context() as patched:
            patched.setattr(intake, name, limit)
            patched.setattr(column_intake, name, limit)
            refused = agreed(path, ALL).refused
            assert refused is not None
            assert f"line {1 + 13 if limit == 4 else 4} of A.TXT" in refused[0]
