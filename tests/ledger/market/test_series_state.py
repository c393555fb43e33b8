"""The state of a series against a stranger's reading of the page: plain lists, and any msgpack library."""

from datetime import date, timedelta

import msgspec
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from ledger.market.series import Series
from ledger.market.series_state import YearlyBars, array_of, leaf, state
from ledger.values import Bar

SERIES = Series("PETR4.SA", "yfinance")
FIRST_DAY = date(2023, 12, 20)
DAYS = [FIRST_DAY + timedelta(days=offset) for offset in (0, 1, 8, 11, 12, 13, 40, 375, 378, 380)]  # three years
encode = msgspec.msgpack.encode

bars = st.builds(
    Bar,
    st.sampled_from(DAYS),
    *[st.integers(1, 2**40)] * 4,
    st.none() | st.integers(1, 2**40),
    st.integers(0, 2**34),
)


class Paid(msgspec.Struct, frozen=True, array_like=True):
    """Something that encodes as an array, as an action does."""

    day: date
    kind: str
    amount: int | None


payments = st.builds(
    Paid, st.sampled_from(DAYS), st.sampled_from(["dividend", "split"]), st.none() | st.integers(0, 2**50)
)


def plain(bar: Bar) -> list[object]:
    """Return the bar as any msgpack library writes it."""
    return [bar.date.isoformat(), bar.open, bar.high, bar.low, bar.close, bar.adj_close, bar.volume]


def reference(taken: list[Bar], paid: list[Paid], basis: str = "as_traded") -> bytes:
    """Return the state that plain lists give."""
    held = {bar.date: bar for bar in taken}
    leaves = []
    for year in sorted({day.year for day in held}):
        rows = [plain(held[day]) for day in sorted(held) if day.year == year]
        leaves.append([year, blake3(encode(rows)).digest()])
    actions = sorted(encode([one.day.isoformat(), one.kind, one.amount]) for one in paid)
    fields = ["yfinance", "PETR4.SA", basis, leaves, [msgspec.msgpack.decode(one) for one in actions]]
    return blake3(b"b3-ledger series v1" + encode(fields)).digest()


@pytest.mark.parametrize("count", [0, 1, 15, 16, 366, 65_535, 65_536, 70_000])
def test_an_array_is_written_as_any_library_writes_it(count: int) -> None:
    """Its header has the shortest form of its count."""
    assert encode([7] * count) == array_of(count, b"\x07" * count)


@given(st.lists(st.lists(bars, max_size=5), max_size=6), st.lists(payments, max_size=5), st.sampled_from(["a", "b"]))
def test_touched_years_alone_give_what_the_whole_series_gives(
    decisions: list[list[Bar]], paid: list[Paid], basis: str
) -> None:
    """After each decision the incremental state is that of the bars held, hashed anew from plain lists."""
    yearly, taken = YearlyBars(), list[Bar]()
    for decision in decisions:
        for bar in decision:
            yearly.put(bar.date, encode(bar))
        taken += decision
        assert reference(taken, paid, basis) == state(SERIES, basis, yearly.leaves(), paid)


def test_a_series_without_a_decision_has_a_state() -> None:
    """Empty arrays under the same formula."""
    assert reference([], []) == state(SERIES, "as_traded", {}, [])


@given(st.lists(bars, min_size=1, max_size=20, unique_by=lambda bar: bar.date), st.data())
def test_every_field_of_every_bar_is_in_the_leaf(held: list[Bar], data: st.DataObject) -> None:
    """A bar that differs in one value is another leaf, and so is a bar less."""
    index = data.draw(st.integers(0, len(held) - 1))
    other = msgspec.structs.replace(held[index], volume=held[index].volume + 1)
    before = leaf(map(encode, held))
    assert before != leaf(map(encode, [*held[:index], other, *held[index + 1 :]]))
    assert before != leaf(map(encode, held[:index] + held[index + 1 :]))


def test_equal_actions_are_kept() -> None:
    """Two equal payments of one day are two."""
    paid = Paid(DAYS[0], "dividend", 5)
    assert state(SERIES, "as_traded", {}, [paid]) != state(SERIES, "as_traded", {}, [paid, paid])


def test_the_order_of_actions_is_their_own() -> None:
    """Whoever hands them over in another order gets the same state."""
    paid = [Paid(DAYS[1], "split", None), Paid(DAYS[0], "dividend", 7), Paid(DAYS[0], "dividend", 300)]
    assert state(SERIES, "as_traded", {}, paid) == state(SERIES, "as_traded", {}, paid[::-1])


def test_a_leaf_of_many_bars_is_a_msgpack_array() -> None:
    """The count of a whole year is written as the specification does."""
    rows = [Bar(date(2024, 1, 1) + timedelta(days=offset), 1, 1, 1, 1, None, 1) for offset in range(366)]
    for count in (0, 1, 15, 16, 366):
        assert blake3(encode(rows[:count])).digest() == leaf(map(encode, rows[:count]))
