"""Rows of `bars` as columns are what msgspec reads of them one by one, and what is no row is refused."""

from collections.abc import Iterable
from datetime import date, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.values import Bar
from projections.fold.keys import day_key, seq_key
from projections.models.bar_columns import (
    EPOCH_ORDINAL,
    PRICES,
    BarColumns,
    DecidedBars,
    columns,
    in_force,
    of_decisions,
    years,
)

DAY, AT_US = date(2026, 2, 13), 1_770_000_000_000_000
encode = msgspec.msgpack.encode

# Every size that an integer has in msgpack, of either sign.
numbers = st.one_of(*(st.integers(-(2**bits), 2**bits - 1) for bits in (5, 7, 8, 15, 16, 31, 32, 63)))
bars = st.builds(
    Bar, st.dates(), numbers, numbers, numbers, numbers, st.one_of(st.none(), numbers), st.integers(0, 2**63 - 1)
)
versions = st.lists(st.tuples(st.one_of(st.none(), bars), st.dates(), st.integers(0, 2**40), numbers), max_size=20)


def read(rows: list[tuple[Bar | None, date, int, int]], trailing: bytes = b"") -> BarColumns:
    """Return the columns of (bar, day where there is none, seq, recorded_at)."""
    keys = b"".join(day_key(bar.date if bar else day) + seq_key(seq) for bar, day, seq, _ in rows)
    return columns(keys, [encode([bar, at]) + trailing for bar, _, _, at in rows], trailing=len(trailing))


@given(rows=versions, trailing=st.sampled_from([b"", b"\xce\0\0\0"]))
@settings(max_examples=150, deadline=None)
def test_every_row_is_what_its_msgpack_says(rows: list[tuple[Bar | None, date, int, int]], trailing: bytes) -> None:
    """Whatever its integers take, in whatever order, with a check behind it or without."""
    found = read(rows, trailing)
    for number, (bar, day, seq, at) in enumerate(rows):
        whole = date.fromordinal(int(found.days[number]) + EPOCH_ORDINAL)
        assert (bar.date if bar else day, seq, at) == (whole, found.seqs[number], found.recorded[number])
        assert (bar is not None, bool(bar and bar.adj_close is not None)) == (
            found.present[number],
            found.adjusted[number],
        )
        if bar is not None:
            names = (*PRICES, "volume", *(("adj_close",) if bar.adj_close is not None else ()))
            assert [getattr(bar, name) for name in names] == [found.values[name][number] for name in names]
            assert encode(bar) == found.blob[found.starts[number] : found.stops[number]]


def day_number(day: date) -> int:
    """Return the day since 1970-01-01."""
    return day.toordinal() - EPOCH_ORDINAL


def decided(number: int, seq: int, of: dict[date, Bar], withdrawn: Iterable[date] = ()) -> DecidedBars:
    """Return what a decision made of one series."""
    encoded = b"".join(encode(of[day]) for day in sorted(of))
    return DecidedBars(number, seq, AT_US + seq, len(of), encoded, [day_number(day) for day in withdrawn])


# Of some series, each by some decisions: bars by day, and days withdrawn that are none of these.
days = st.dates(date(2024, 12, 20), date(2025, 1, 12))
made = st.dictionaries(days, bars, max_size=6).flatmap(
    lambda of: st.tuples(
        st.just({day: msgspec.structs.replace(bar, date=day) for day, bar in of.items()}),
        st.sets(days.filter(lambda day: day not in of), max_size=2),
    )
)


@given(series=st.lists(st.lists(made, max_size=4), max_size=4))
@settings(max_examples=150, deadline=None)
def test_what_decisions_made_is_what_their_rows_are(series: list[list[tuple[dict[date, Bar], set[date]]]]) -> None:
    """In the order of the table, whatever the order of the days that they decided on."""
    parts, rows = [], []
    for number, of_series in enumerate(series):
        for place, (of, withdrawn) in enumerate(of_series):
            seq = 10 * place + number
            parts.append(decided(number, seq, of, withdrawn))
            rows += [(number, day, seq, of.get(day)) for day in (*of, *withdrawn)]
    rows.sort(key=lambda row: row[:3])
    found, numbers = of_decisions(parts)
    want = read([(bar, day, seq, AT_US + seq) for _, day, seq, bar in rows])
    assert [number for number, *_ in rows] == numbers.tolist()
    for name in ("days", "seqs", "recorded", "present", "adjusted"):
        assert getattr(want, name).tolist() == getattr(found, name).tolist()
    for name, values in want.values.items():
        there = want.adjusted if name == "adj_close" else want.present
        assert values[there].tolist() == found.values[name][there].tolist()
    spans = zip(found.starts[want.present].tolist(), found.stops[want.present].tolist(), strict=True)
    assert [encode(bar) for *_, bar in rows if bar] == [found.blob[start:stop] for start, stop in spans]


@pytest.mark.parametrize(
    "part",
    [
        DecidedBars(0, 1, AT_US, 2, encode(ONE := Bar(DAY, 1, 1, 1, 1, None, 1))),
        DecidedBars(0, 1, AT_US, 1, encode(ONE) + b"\0"),
        DecidedBars(0, 1, AT_US, 1, b"\0" + encode(ONE)),
        DecidedBars(0, 1, AT_US, 1, encode(ONE)[:-1]),
        DecidedBars(0, 1, AT_US, 2, 2 * encode(ONE)),
        DecidedBars(0, 1, AT_US, 1, encode(ONE), [day_number(DAY)]),
        DecidedBars(0, 1, AT_US, 1, encode(ONE).replace(b"2026-02-13", b"2026-02-30")),
        DecidedBars(0, 1, AT_US, 1, encode(ONE).replace(b"2026-02-13", b"0000-02-13")),
        DecidedBars(0, 1, AT_US, 1, encode(ONE).replace(b"2026-02-13", b"2026-13-13")),
        DecidedBars(0, 1, AT_US, 1, encode(ONE).replace(b"2026-02-13", b"2026-02-1:")),
        DecidedBars(0, 1, AT_US, 1, encode(ONE).replace(b"2026-02-13", b"2\xff26-02-13")),
    ],
)
def test_what_no_decision_is_made_of_is_refused(part: DecidedBars) -> None:
    """More or fewer bars than announced, bytes that are of none, a day twice or of no calendar."""
    with pytest.raises(ValueError, match="want one"):
        of_decisions([part])


def test_a_number_that_looks_like_the_begin_of_a_bar_is_none() -> None:
    """Its bytes, and the dashes of a day behind them, lie within another bar."""
    looks = int.from_bytes(b"\x17\x97\xaa2026-", "big")
    parts = [decided(0, 1, {DAY: Bar(DAY, 0x97AA, looks, 1, 1, None, 0x97AA97AA)})]
    found, _ = of_decisions(parts)
    assert [[0x97AA], [looks], [0x97AA97AA]] == [found.values[name].tolist() for name in ("open", "high", "volume")]


ROWS = [
    (Bar(DAY, 37_320_000, 40_000_000, 1, 38_000_000, None, 70_000), DAY, 5, AT_US),
    (None, DAY + timedelta(1), 6, AT_US),
    (Bar(DAY + timedelta(2), 300, 2**40, 1, 5, 7, 2**33), DAY, 7, AT_US),
]


def test_no_flipped_bit_gives_more_or_fewer_rows() -> None:
    """A row is refused, or one value of one row differs: nothing of the rows beside it."""
    want, keys = read(ROWS), b"".join(day_key(bar.date if bar else day) + seq_key(seq) for bar, day, seq, _ in ROWS)
    values = [encode([bar, at]) for bar, _, _, at in ROWS]
    refused = 0
    for bit in range(8 * len(values[0])):
        changed = bytearray(values[0])
        changed[bit // 8] ^= 1 << bit % 8
        try:
            found = columns(keys, [bytes(changed), *values[1:]])
        except ValueError:
            refused += 1
            continue
        for name in PRICES:
            assert want.values[name][1:].tolist() == found.values[name][1:].tolist()
        assert want.recorded[1:].tolist() == found.recorded[1:].tolist()
    assert 100 < refused < 8 * len(values[0])


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"\x92",
        encode([None]),
        encode([None, None]),
        encode([None, "x"]),
        encode([[DAY, 1, 1, 1, 1, 1, None], 1]),
        encode([[DAY, 1, 1, 1, 1, 1, 1.5], 1]),
        encode([[DAY, 1, 1, 1, 1, 1, 2**63], 1]),
        encode([[DAY + timedelta(1), 1, 1, 1, 1, 1, 1], 1]),
        encode([None, 1]) + b"\0",
    ],
)
def test_what_is_no_row_is_refused(row: bytes) -> None:
    """Cut, of another type, too large, of another day than its key, or longer than it says."""
    with pytest.raises(ValueError, match="want one"):
        columns(day_key(DAY) + seq_key(1), [row])


def test_the_newest_bar_of_a_day_is_in_force_as_of_a_position() -> None:
    """A withdrawal leaves the bar before it in force; two series are two."""
    one = Bar(DAY, 1, 1, 1, 1, None, 1)
    rows = [(one, DAY, 1, 0), (one, DAY, 4, 0), (None, DAY, 6, 0), (one, DAY, 2, 0)]
    series = np.array([0, 0, 0, 1])
    assert [[1, 3], [1, 3], [0, 3], [0], []] == [
        in_force(read(rows), series, position).tolist() for position in (None, 5, 4, 2, 1)
    ]


@given(day=st.dates())
def test_the_year_of_a_day_is_the_calendars(day: date) -> None:
    """Before 1970 as well."""
    assert [day.year] == years(np.array([day.toordinal() - EPOCH_ORDINAL])).tolist()
