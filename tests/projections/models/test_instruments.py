"""Instruments: how each was listed, session by session, whatever the order of the files."""

import random
from collections.abc import Iterable, Sequence
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain import EMPTY_HEAD
from ledger.market.quotation import Listing
from ledger.market.series import Series
from ledger.market.sessions import shift
from ledger.memory_log import MemoryLog
from projections.fold.digest import digest
from projections.fold.folding import empty_state, fold, replayed
from projections.fold.tables import State
from projections.market import quotations
from projections.models import instruments, prices
from projections.models.instruments import Instruments, ListingRun
from projections.models.prices import Prices
from tests.projections.story import Story, bar
from tests.support.cotahist import line
from tests.support.listed import PROVIDER, Listed

PETR4 = Series("PETR4.SA", PROVIDER)
MONDAY = date(2024, 12, 23)  # the year ends within what is told of
GOLDEN = "51d6a13f584801b788ebfdd18316c98e0acc0d21cb9f257bcf1dcb1e34654232"


def days(*numbers: int) -> list[date]:
    """Return sessions by how many come between them and the first."""
    return [shift(MONDAY, number) for number in numbers]


def state_of(log: MemoryLog) -> State:
    """Return prices and instruments of the log."""
    return replayed(log.read(), [Prices(), Instruments()])[1]


def told(log: MemoryLog, series: Series = PETR4) -> list[tuple[str, date, date, int]]:
    """Return the runs of the series by their specification."""
    found = instruments.runs(state_of(log)["instruments"], series)
    return [(one.listing.specification, one.first, one.last, one.sessions) for one in found]


def described(listed: Sequence[tuple[date, str]], close: int = 3732) -> list[bytes]:
    """Return lines that differ in ESPECI alone."""
    return [line(day, close=close, specification=specification) for day, specification in listed]


def test_a_row_is_a_change_across_the_turn_of_a_year_too() -> None:
    """Sessions in a row under one listing are one run, with the first and last of them."""
    told_of = Listed()
    first, second, third, fourth, fifth = days(0, 1, 5, 8, 9)
    marked = [(first, "PN      N2"), (second, "PN  ED  N2"), (third, "PN  ED  N2"), (fourth, "PN  ED  N2")]
    told_of.imported(described([*marked, (fifth, "PN      N2")]))
    assert [("PN      N2", first, first, 1), ("PN  ED  N2", second, fourth, 3), ("PN      N2", fifth, fifth, 1)] == (
        told(told_of.log)
    )
    known = instruments.of(state_of(told_of.log)["instruments"], PETR4)
    assert known is not None
    assert (first, fifth, 5, "PN      N2") == (known.first, known.last, known.sessions, known.listing.specification)


def test_a_session_is_described_by_the_evidence_of_its_bar() -> None:
    """A later file with the same bar changes nothing, one with another bar describes it anew; a rejected one never."""
    told_of = Listed()
    (day,) = days(0)
    told_of.imported(described([(day, "PN")]))
    told_of.imported(described([(day, "ON")]))
    assert [("PN", day, day, 1)] == told(told_of.log)
    told_of.imported(described([(day, "UNT")], close=3800))
    assert [("UNT", day, day, 1)] == told(told_of.log)
    told_of.imported(described([(day, "BNS")], close=3900), verdict="rejected")
    assert [("UNT", day, day, 1)] == told(told_of.log)


def test_what_is_told_is_what_the_sessions_say() -> None:
    """Every field, against the quotation that is decoded from the same evidence."""
    told_of = Listed()
    first, second = days(0, 1)
    one = {"strike": 2079, "expiry": "20250117", "market": "070", "bdi": "78", "isin": "BRBBASACNOR3"}
    two = {**one, "strike": 2066, "distribution": 214, "term": "030", "currency": "CR$", "factor": 10, "name": "BBASE"}
    told_of.imported([line(first, "BBASA45", **one), line(second, "BBASA45", **two)], "BBASA45.SA")
    state, series = state_of(told_of.log), Series("BBASA45.SA", PROVIDER)
    versions = quotations.in_force(state["prices"], series)
    found = quotations.quotations(told_of.log, state["prices"], series, versions)
    assert [ListingRun(found[day].listing, day, day, 1) for day in (first, second)] == list(
        instruments.runs(state["instruments"], series)
    )
    assert [(20_790_000, date(2025, 1, 17), 100), (2_066_000, date(2025, 1, 17), 214)] == [
        (one.listing.strike, one.listing.expiry, one.listing.distribution) for one in found.values()
    ]


def test_a_provider_that_sends_bars_alone_lists_nothing() -> None:
    """Its evidence is not even decoded."""
    story = Story()
    story.decided(story.fetched(), bars=[bar(0)])
    _, state = replayed(story.log.read(), [Instruments()])
    assert [] == list(instruments.listed(state["instruments"]))


def test_evidence_that_its_reader_cannot_read_describes_nothing() -> None:
    """The decision stands, and so do its prices."""
    told_of = Listed()
    told_of.imported(described([(MONDAY, "PN")]), body=b"{}")
    state = state_of(told_of.log)
    assert [] == list(instruments.listed(state["instruments"]))
    assert prices.is_held(state["prices"], PETR4)


imports = st.lists(
    st.tuples(
        st.sampled_from(["PETR4.SA", "VALE3.SA"]),
        st.dictionaries(st.integers(0, 12), st.tuples(st.sampled_from("AB"), st.integers(1, 2)), min_size=1),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(imports)
def test_instruments_equal_their_sessions(files: list[tuple[str, dict[int, tuple[str, int]]]]) -> None:
    """Whatever comes in which order: the runs are those of a plain walk over what each bar's evidence says."""
    told_of = Listed()
    reference: dict[str, dict[date, tuple[str, int]]] = {}
    for ticker, sessions in files:
        of = reference.setdefault(ticker, {})
        lines = []
        for number, (specification, close) in sorted(sessions.items()):
            (day,) = days(number)
            lines.append(line(day, close=close, specification=specification))
            if day not in of or of[day][1] != close:
                of[day] = specification, close
        told_of.imported(lines, ticker)
    tables = state_of(told_of.log)["instruments"]
    for ticker, of in reference.items():
        found = [
            (one.listing.specification, one.first, one.last, one.sessions)
            for one in instruments.runs(tables, Series(ticker, PROVIDER))
        ]
        assert list(walked(of.items())) == found
        known = instruments.of(tables, Series(ticker, PROVIDER))
        assert known is not None
        assert (min(of), max(of), len(of), of[max(of)][0]) == (
            *(known.first, known.last, known.sessions),
            known.listing.specification,
        )


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 12), st.sampled_from("AB"), min_size=1), st.randoms(use_true_random=False))
def test_sessions_leave_the_same_rows_file_by_file_in_any_order(listed: dict[int, str], rng: random.Random) -> None:
    """As one file with them all does: days that come after those known are put behind them, others between them."""
    sessions = [(days(number)[0], specification) for number, specification in sorted(listed.items())]
    whole, by_day, shuffled = Listed(), Listed(), Listed()
    whole.imported(described(sessions))
    for one in sessions:
        by_day.imported(described([one]))
    for one in rng.sample(sessions, len(sessions)):
        shuffled.imported(described([one]))
    rows = [
        {name: list(state_of(one.log)["instruments"][name].scan()) for name in ("years", "listed", "former")}
        for one in (whole, by_day, shuffled)
    ]
    assert rows[0] == rows[1] == rows[2]


def walked(of: Iterable[tuple[date, tuple[str, int]]]) -> Iterable[tuple[str, date, date, int]]:
    """Yield the runs of sessions under one specification."""
    run: list[date] = []
    before = ""
    for day, (specification, _) in sorted(of):
        if run and specification != before:
            yield before, run[0], run[-1], len(run)
            run = []
        run.append(day)
        before = specification
    yield before, run[0], run[-1], len(run)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 60), max_size=4))
@settings(deadline=None, max_examples=30)
def test_catching_up_in_any_cuts_is_a_rebuild(seed: int, cuts: list[int]) -> None:
    """A cut between evidence and its decision, too."""
    log = story_of(seed)
    _, whole = replayed(log.read(), [Instruments()])
    state, head = empty_state([Instruments()]), EMPTY_HEAD
    for stop in [*sorted(min(cut, log.head().size) for cut in cuts), log.head().size]:
        head = fold(log.read(head.size, stop), head, [Instruments()], state)
    assert digest(whole["instruments"]) == digest(state["instruments"])


def story_of(seed: int) -> MemoryLog:
    """Return a log of imports of a few instruments, in an order of its own."""
    rng, told_of = random.Random(seed), Listed()
    for _ in range(20):
        numbers = sorted(rng.sample(range(40), rng.randrange(1, 6)))
        lines = [
            line(
                day,
                close=rng.randrange(1, 4),
                specification=rng.choice(["ON", "ON ED"]),
                distribution=100 + rng.randrange(2),
            )
            for day in days(*numbers)
        ]
        told_of.imported(lines, rng.choice(["PETR4.SA", "VALE3.SA", "BOVA11.SA"]))
    return told_of.log


def test_sessions_are_described_as_of_any_position_as_they_were_then() -> None:
    """For each session that was described by then: a description that is replaced is kept beside its successor."""
    log = story_of(20260216)
    newest, replaced = state_of(log)["instruments"], 0
    for position in range(1, log.head().size + 1):
        then = replayed(log.read(stop=position), [Instruments()])[1]["instruments"]
        for series, _ in instruments.listed(then):
            expected = instruments.described(then, series)
            found = instruments.described(newest, series, position)
            assert expected == {day: found[day] for day in expected}
            assert list(found) == sorted(found)
            replaced += found != instruments.described(newest, series)
    assert replaced


def test_the_version_of_the_fold_has_one_digest() -> None:
    """Over lines of the exchange's file, of which the log of the other folds' digests has none.

    Without the evidence that waits: how that is compressed is no matter of the fold's.
    """
    _, state = replayed(story_of(20260215).read(), [Instruments()])
    tables = {name: state["instruments"][name] for name in ("years", "listed", "former")}
    assert (2, GOLDEN) == (instruments.VERSION, digest(tables).hex())


def test_a_listing_keeps_no_field_that_changes_with_each_session() -> None:
    """Else every session would be a row."""
    assert {"average", "bid", "ask", "trades", "value"}.isdisjoint(Listing.__struct_fields__)
