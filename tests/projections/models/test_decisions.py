"""Decisions are kept whole enough to explain the prices that they made."""

from collections.abc import Iterator
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from ledger.market.series import Series
from ledger.values import Finding
from projections.fold.folding import replayed
from projections.fold.keys import seq_key, text_key
from projections.fold.memory_tables import MemoryTable
from projections.fold.tables import Row
from projections.models.decisions import IDLE_ROWS, Decision, decisions, judged, judged_of, newest, tickers
from projections.models.prices import Prices
from tests.projections.story import PROVIDER, TICKERS, WINDOW, Story, bar, day
from tests.support.actions import paid

T = TICKERS[0]
DIVIDEND = paid(day(2), 500_000)


def test_every_decision_over_the_series_is_kept_oldest_first() -> None:
    """Those that accepted nothing too; a finding on the whole answer is no rejected day."""
    story = Story()
    first = story.decided(cause := story.fetched(), bars=[bar(0)], actions=(DIVIDEND,))
    first_at = story.now_us
    findings = (Finding("THRESHOLD", None, "got 9"), Finding("NONPOS", day(1), "got 0"))
    second = story.decided(again := story.fetched(), verdict="rejected", rejected=findings)
    story.decided(story.fetched("VALE3.SA"), "VALE3.SA", bars=[bar(0)])
    tables = replayed(story.log.read(), [Prices()])[1]["prices"]
    later_at = first_at + 20_000_000
    kept = [
        Decision(first, first_at, cause, "success", "split_adjusted", WINDOW, 1, None, (DIVIDEND,), (), (), 1, None),
        Decision(second, later_at, again, "rejected", "split_adjusted", WINDOW, 2, None, (), (), (day(1),), 0, None),
    ]
    assert kept == list(decisions(tables, Series(T, PROVIDER)))
    assert kept[:1] == list(decisions(tables, Series(T, PROVIDER), second))
    assert [True, False] == [decision.accepted for decision in kept]
    assert [None, *kept, kept[1]] == [
        newest(tables, Series(T, PROVIDER), position) for position in (first, first + 1, second + 1, None)
    ]


def test_providers_are_those_that_were_judged() -> None:
    """Whether or not anything of theirs was accepted."""
    story = Story()
    story.decided(story.fetched(), verdict="rejected")
    tables = replayed(story.log.read(), [Prices()])[1]["prices"]
    assert ((PROVIDER,), ()) == (judged(tables, T), judged(tables, "PETR4"))


class Counted(MemoryTable):
    """A table that counts the rows that were taken from it."""

    taken = 0

    def scan(self, prefix: bytes = b"", *, reverse: bool = False, start: bytes = b"") -> Iterator[Row]:
        """Yield them as they are."""
        for row in super().scan(prefix, reverse=reverse, start=start):
            self.taken += 1
            yield row


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(("A", "AB", "B")),
            st.sampled_from(("b", "b3", "b\xff", "c")),
            st.integers(0, 300),
            st.sampled_from((("decided",), ("newest",), ("decided", "newest"))),
        )
    ),
    idle_rows=st.integers(1, 9),
)
def test_providers_are_found_by_a_row_of_each(
    rows: list[tuple[str, str, int, tuple[str, ...]]], idle_rows: int
) -> None:
    """However many decisions each has, and whatever the names of others begin with; by either table."""
    tables = {"decided": Counted(), "newest": MemoryTable()}
    for ticker, provider, seq, named in rows:
        key = text_key(ticker, provider)
        for name in named:
            tables[name].put(key + seq_key(seq) if name == "decided" else key, seq_key(seq))
    expected = tuple(sorted({provider for ticker, provider, *_ in rows if ticker == "A"}))
    decided = {provider for ticker, provider, _, named in rows if ticker == "A" and "decided" in named}
    assert (expected, len(decided)) == (judged(tables, "A"), tables["decided"].taken)
    assert sorted({ticker for ticker, *_ in rows}) == tickers(tables)
    for wanted in (["A"], ["A", "B"], ["A", "AB", "AC", "B", "C"]):
        with mock.patch("projections.models.decisions.IDLE_ROWS", idle_rows):
            assert {one: set(judged(tables, one)) for one in wanted} == judged_of(tables, wanted)


def test_of_many_decisions_those_of_the_next_series_are_searched_for() -> None:
    """Between two tickers that are asked for as well."""
    tables = {"decided": Counted(), "newest": MemoryTable()}
    for ticker in "ABCDE":
        for seq in range(1000):
            tables["decided"].put(text_key(ticker, PROVIDER) + seq_key(seq), b"")
    assert {"A": {PROVIDER}, "E": {PROVIDER}} == judged_of(tables, ["A", "E"])
    assert tables["decided"].taken <= 4 * IDLE_ROWS
