"""What body and library say of a day is put together, and an answer that both have alike is taken as it is."""

from datetime import date, timedelta

import msgspec
from hypothesis import given as for_all
from hypothesis import strategies as st

from ledger.ingest.rules.merge import Row, is_plain, rows
from ledger.ingest.rules.row_rules import Today, sort_plain, sort_rows
from ledger.values import RawBar, Window
from tests.ledger.ingest.answers import MONDAY, NAN, evidence, run_of

BARS = tuple(run_of([10.0, 10.5, 11.0]))


def test_an_answer_that_both_have_alike_is_taken_as_it_is() -> None:
    """Day by day; of a provider that is still at work on it, the last day is known."""
    alike = evidence(list(BARS), [])
    for live in (True, False):
        wanted = tuple(Row(bar, 1, alike=True, last=live and bar == BARS[-1]) for bar in BARS)
        assert wanted == rows(alike, alike.bars, live=live)


def test_what_the_body_alone_has_otherwise_shows() -> None:
    """A null volume that the library made 0, a day that came twice, days in another order."""
    null = [msgspec.structs.replace(BARS[0], volume=None), *BARS[1:]]
    assert (None,) == tuple(row.bar.volume for row in rows(evidence(list(BARS), []), null))[:1]
    twice = rows(evidence(list(BARS), []), (*BARS, BARS[1]))
    assert [1, 2, 1] == [row.copies for row in twice]
    assert rows(evidence(list(BARS), []), BARS) == rows(evidence(list(BARS[::-1]), []), BARS[::-1])


def test_a_row_without_any_price_is_no_row() -> None:
    """Of the body, of the library, or of both; one price in it is a row, which other rules look at."""
    prices = {"open": NAN, "high": NAN, "low": NAN, "close": NAN}
    empty = msgspec.structs.replace(BARS[1], **prices)
    wanted = (Row(BARS[0], 1, alike=True), Row(BARS[2], 1, alike=True, last=True))
    with_empty = (BARS[0], empty, BARS[2])
    for handed, sent in ((with_empty, with_empty), (wanted_bars := (BARS[0], BARS[2]), with_empty), (with_empty, ())):
        assert wanted == rows(evidence(list(handed), []), sent)
    assert wanted_bars == tuple(row.bar for row in rows(evidence(list(with_empty), []), wanted_bars))
    for name in prices:
        one = msgspec.structs.replace(empty, **{name: 10.5})
        found = rows(evidence([BARS[0], one, BARS[2]], []), (BARS[0], one, BARS[2]))
        assert [BARS[0].date, BARS[1].date, BARS[2].date] == [row.bar.date for row in found]


CELLS = st.sampled_from([10.0, 10.01, 0.0, NAN])
DAYS = st.integers(-3, 6).map(lambda number: MONDAY + timedelta(number))
SENT = st.lists(st.builds(RawBar, DAYS, CELLS, CELLS, CELLS, CELLS, st.just(10.0), st.just(7)), max_size=4)


@for_all(sent=SENT, start=DAYS, end=DAYS, today=DAYS, final=st.booleans(), in_order=st.booleans())
def test_what_is_plain_is_sorted_as_its_rows_are(
    sent: list[RawBar], start: date, end: date, today: date, *, final: bool, in_order: bool
) -> None:
    """Or left to them, where more than its values may be wrong with any."""
    bars = sorted(sent, key=lambda row: row.date) if in_order else sent
    answered, now, window = evidence(bars, []), Today(today, final=final), Window(start, end)
    if is_plain(answered, answered.bars):
        found = sort_plain(answered.bars, now, window)
        wanted = sort_rows(rows(answered, answered.bars), now, window, {})
        assert found is None or found == wanted
    every_day = Window(BARS[0].date, BARS[-1].date)
    assert sort_plain(BARS, Today(every_day.end, final=True), every_day) is not None
