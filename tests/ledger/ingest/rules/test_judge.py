"""Judgement: every row in one place, every decision from the evidence alone."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import date

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ingest.rules import catalogue
from ledger.ingest.rules.held import Held, Reach
from ledger.ingest.rules.judge import foreign_identity, judge, sessions_due, superseded
from ledger.ingest.rules.reading import NOTHING_READ, Offer, Reading
from ledger.ingest.rules.scale import WholeRangeNeeded
from ledger.market.series import Series
from ledger.market.series_state import leaf, state
from ledger.values import Bar, Basis, Finding, Identity, Rank, RawAction, RawBar, Window
from tests.ledger.ingest.answers import (
    GOOD,
    NAN,
    TICKER,
    bar,
    evidence,
    held,
    ids,
    instant,
    raw,
    run_of,
    session,
    tallies,
)
from tests.support.actions import paid, parted

NOTHING = Held({})


def decided(
    answer: FetchSucceeded,
    before: Held = NOTHING,
    *,
    body_rows: Sequence[RawBar] = (),
    threshold_percent: float = 10.0,
) -> ValidationCompleted:
    """Return the decision; an answer that needs a wider window fails the test."""
    outcome = judge(
        answer,
        before,
        basis="split_adjusted",
        exchange="SAO",
        reading=Reading(rows=tuple(body_rows)),
        threshold_percent=threshold_percent,
    )
    assert isinstance(outcome, ValidationCompleted), outcome
    return outcome


def counts(received: int, added: int, revised: int, unchanged: int) -> dict[str, int]:
    """Return a decision's counts by name."""
    return {"received": received, "added": added, "revised": revised, "unchanged": unchanged}


def broken(number: int) -> RawBar:
    """Return a row that lacks a price."""
    return RawBar(session(number), NAN, 11, 9, 10, None, 5)


def test_a_first_clean_answer_is_accepted_whole() -> None:
    """Every field of the decision, from the evidence."""
    bars = run_of((10, 10.1, 10.2))
    dividend = RawAction(session(1), "dividend", 0.5)
    leaves = {session(0).year: leaf(msgspec.msgpack.encode(bar(each)) for each in bars)}
    series = Series(TICKER, "yfinance")
    expected = ValidationCompleted(
        ticker=TICKER,
        provider="yfinance",
        interval="1d",
        currency="BRL",
        basis="split_adjusted",
        rules_version=catalogue.RULES_VERSION,
        verdict="success",
        window=Window(session(0), session(2)),
        received=3,
        added=3,
        revised=0,
        unchanged=0,
        bars=tuple(bar(each) for each in bars),
        actions=(paid(session(1), 500_000),),
        withdrawn=(),
        partial=(),
        rejected=(),
        flagged=(),
        warned=(),
        rescale=None,
        before=state(series, "split_adjusted", {}, ()),
        after=state(series, "split_adjusted", leaves, (paid(session(1), 500_000),)),
        threshold_percent=10,
    )
    assert expected == decided(evidence(bars, [dividend]))


def test_only_sessions_that_are_new_or_differ_are_listed() -> None:
    """One new, one corrected by a millionth, the rest as held."""
    before = held(run_of((10, 10.1, 10.2)))
    corrected = msgspec.structs.replace(run_of((10, 10.1, 10.2))[1], close=10.100001)
    bars = (run_of((10,))[0], corrected, *run_of((10.2, 10.3), first=2))
    decision = decided(evidence(bars), before)
    assert (counts(4, 1, 1, 2), (bar(corrected), bar(bars[3]))) == (tallies(decision), decision.bars)


def test_a_revision_is_accepted_and_no_warning() -> None:
    """It is the provider's right to correct itself."""
    before = held(run_of((10, 10.1, 10.2)))
    decision = decided(evidence(run_of((10, 10.15, 10.2))), before)
    assert ("success", 1, None) == (decision.verdict, decision.revised, decision.rescale)


def test_days_held_and_absent_from_the_answer_are_withdrawn() -> None:
    """Inside the window only; the decision warns, and lists no bar for them."""
    before = held(run_of((10, 10.1, 10.2, 10.3)))
    bars = run_of((10, 10.1, 10.2, 10.3))
    decision = decided(evidence([bars[1], bars[3]], window=Window(session(1), session(3))), before)
    assert ("warning", (session(2),), (), ()) == (
        decision.verdict,
        decision.withdrawn,
        decision.bars,
        decision.warned,
    )


@pytest.mark.parametrize("bars", [(), (raw(session(1), 10),)])
def test_nothing_final_is_a_success_of_nothing(bars: tuple[RawBar, ...]) -> None:
    """No rows, or today's alone: neither accepted nor rejected."""
    window = Window(session(1), session(1))
    decision = decided(evidence(bars, window=window, finished="2026-03-03T15:00:00+00:00"))
    expected = ("success", (), (), tuple(each.date for each in bars))
    assert expected == (decision.verdict, decision.bars, decision.rejected, decision.partial)


def test_an_answer_without_rows_withdraws_nothing() -> None:
    """It says nothing about any day."""
    decision = decided(evidence([], window=Window(session(0), session(2))), held(run_of((10, 10.1, 10.2))))
    assert ("success", ()) == (decision.verdict, decision.withdrawn)


@pytest.mark.parametrize(
    ("bad", "good", "percent", "verdict"),
    [
        (0, 1, 10, "success"),
        (1, 1, 10, "warning"),
        (2, 1, 10, "warning"),
        (3, 1, 10, "rejected"),
        (1, 0, 10, "rejected"),
        (3, 27, 10, "warning"),
        (3, 26, 10, "rejected"),
        (4, 36, 10, "warning"),
        (4, 35, 10, "rejected"),
        (1, 5, 0, "rejected"),
        (9, 1, 45, "warning"),
    ],
)
def test_rejected_rows_beyond_the_threshold_reject_the_answer(
    bad: int, good: int, percent: float, verdict: str
) -> None:
    """Ten percent of the rows received, of 20 at least; and some row must be left."""
    bars = [*(broken(n) for n in range(bad)), *run_of([10 + n / 100 for n in range(good)], first=bad)]
    answer = evidence(bars, finished="2026-12-30T12:00:00+00:00")
    decision = decided(answer, threshold_percent=percent)
    accepted = 0 if verdict == "rejected" else good
    assert (verdict, accepted, accepted) == (decision.verdict, decision.added, len(decision.bars))


def test_a_rejected_answer_says_why_first_and_accepts_nothing() -> None:
    """Then each row's own reason."""
    before = held(run_of((10, 10.1, 10.2)))
    decision = decided(evidence([broken(n) for n in range(3)]), before)
    expected = msgspec.structs.replace(
        superseded(evidence([broken(n) for n in range(3)]), before, basis="split_adjusted"),
        verdict="rejected",
        rejected=(
            Finding("THRESHOLD", None, "got 3 of 3 rows rejected, want at most 10 % of 20"),
            *(Finding("OHLC_NAN", session(n), "got open nan, want a price") for n in range(3)),
        ),
    )
    assert expected == decision


@pytest.mark.parametrize(
    ("identity", "detail"),
    [
        (GOOD, None),
        (Identity(), None),
        (msgspec.structs.replace(GOOD, symbol="VALE3.SA"), "got symbol VALE3.SA, want PETR4.SA"),
        (msgspec.structs.replace(GOOD, currency="USD"), "got currency USD, want BRL"),
        (msgspec.structs.replace(GOOD, exchange="NYQ"), "got exchange NYQ, want SAO"),
        (
            msgspec.structs.replace(GOOD, timezone="America/New_York"),
            "got time zone America/New_York, want America/Sao_Paulo",
        ),
    ],
)
def test_an_answer_of_another_series_is_rejected(identity: Identity, detail: str | None) -> None:
    """What the provider does not say is not held against it."""
    decision = decided(evidence(run_of((10, 10.1)), identity=identity))
    expected = [] if detail is None else [Finding("IDENTITY", None, detail)]
    assert ("rejected" if expected else "success", expected) == (decision.verdict, list(decision.rejected))


def test_findings_of_severity_q_warn_and_those_of_w_do_not() -> None:
    """A jump is flagged; a session without trades is said and no more."""
    idle = RawBar(session(1), 10, 10, 10, 10, 10, 0)
    quiet = decided(evidence([run_of((10,))[0], idle]))
    assert ("success", [], [("VOLUME", session(1))]) == (quiet.verdict, ids(quiet.flagged), ids(quiet.warned))
    moved = decided(evidence([run_of((10,))[0], raw(session(1), 10, volume=0), raw(session(2), 14)]))
    flags = [("VOLUME", session(1)), ("JUMP", session(2))]
    assert ("warning", flags, ()) == (moved.verdict, ids(moved.flagged), moved.warned)


def test_sessions_outside_the_calendar_are_accepted_with_one_warning() -> None:
    """Past the table holidays are not known; weekdays pass."""
    days = [date(2031, 3, 3), date(2031, 3, 4)]
    decision = decided(evidence([raw(days[0], 10), raw(days[1], 10.1)], finished="2031-03-31T12:00:00+00:00"))
    expected = ("success", tuple(days), [("NOT_SESSION", None)])
    assert expected == (decision.verdict, tuple(each.date for each in decision.bars), ids(decision.warned))


def test_what_is_held_gives_the_context() -> None:
    """The jump is from the last session held; the gap lies between it and the answer."""
    before = held(run_of((10, 10.1, 10.2)))
    decision = decided(evidence([run_of((10.2,), first=2)[0], raw(session(4), 14)]), before)
    assert ([("JUMP", session(4))], [("GAP", session(3))]) == (ids(decision.flagged), ids(decision.warned))


def test_judging_again_what_is_held_says_nothing_again() -> None:
    """An overlap is read every day; its flags are told once."""
    bars = [run_of((10,))[0], raw(session(1), 14, volume=0)]
    first = decided(evidence(bars))
    again = decided(evidence(bars), Held({each.date: each for each in first.bars}))
    assert ("warning", "success") == (first.verdict, again.verdict)
    assert (counts(2, 0, 0, 2), (), ()) == (tallies(again), again.flagged, again.warned)


def test_an_adjusted_close_that_is_no_number_is_flagged_and_left_out() -> None:
    """The session itself is sound."""
    decision = decided(evidence([raw(session(0), 10, adj=NAN)]))
    assert ([("ADJ", session(0))], [None]) == (
        ids(decision.flagged),
        [each.adj_close for each in decision.bars],
    )


def test_a_null_volume_in_the_body_is_rejected_though_the_library_says_zero() -> None:
    """And a day that came twice with different values too, unless it is the last; alike it is kept once and counted."""
    bars = run_of((10, 10.1, 10.2, 10.3, 10.4))
    sent = list(bars)
    body = [
        sent[0],
        msgspec.structs.replace(sent[1], volume=None),
        sent[2],
        sent[2],
        sent[3],
        msgspec.structs.replace(sent[3], close=10.4),
        sent[4],
        msgspec.structs.replace(sent[4], volume=7),
    ]
    decision = decided(evidence(bars), body_rows=body, threshold_percent=10)
    assert ([("VOLUME", session(1)), ("DUPLICATE", session(3))], counts(8, 3, 0, 0)) == (
        ids(decision.rejected),
        tallies(decision),
    )
    assert ([("DUPLICATE", session(4))], 7) == (ids(decision.flagged), decision.bars[-1].volume)


def test_a_rescaled_overlap_asks_for_the_whole_range_and_is_then_accepted_at_its_ratio() -> None:
    """A split of 1 to 2: the overlap first, then everything held."""
    before = held(run_of([10 + n / 10 for n in range(10)]))
    halved = run_of([5 + n / 20 for n in range(11)])
    split = RawAction(session(10), "split", 2.0)
    needed = judge(evidence(halved[5:], [split]), before, basis="split_adjusted", exchange="SAO")
    assert isinstance(needed, WholeRangeNeeded)
    assert Window(session(0), session(10)) == needed.window
    decision = decided(evidence(halved, [split], window=needed.window), before)
    assert ("success", counts(11, 1, 10, 0), 0.5) == (decision.verdict, tallies(decision), decision.rescale)


def test_a_dividend_asks_for_the_whole_range_and_is_no_rescale_of_the_closes() -> None:
    """Only the adjusted closes before it change."""
    before = held(run_of([10 + n / 10 for n in range(10)]))
    adjusted = tuple(
        raw(session(n), 10 + n / 10, adj=(10 + n / 10) * (0.96 if n < 10 else 1), volume=1000 + n) for n in range(11)
    )
    paid = RawAction(session(10), "dividend", 0.44)
    needed = judge(evidence(adjusted[5:], [paid]), before, basis="split_adjusted", exchange="SAO")
    assert isinstance(needed, WholeRangeNeeded)
    decision = decided(evidence(adjusted, [paid], window=needed.window), before)
    assert ("success", counts(11, 1, 10, 0), None) == (decision.verdict, tallies(decision), decision.rescale)


def test_a_row_left_on_the_old_scale_is_flagged() -> None:
    """The whole range came back halved but for one day: the held row stays, and shows as a step."""
    before = held(run_of([10 + n / 10 for n in range(10)]))
    halved = run_of([5 + n / 20 for n in range(10)])
    decision = decided(evidence([*halved[:4], *halved[5:]]), before)
    assert (session(4),) == decision.withdrawn
    assert {("SPLIT_SUSPECT", session(4)), ("SPLIT_SUSPECT", session(5))} <= set(ids(decision.flagged))


def test_a_rejected_answer_asks_for_no_wider_window() -> None:
    """What cannot be believed is no reason to fetch more."""
    before = held(run_of([10 + n / 10 for n in range(10)]))
    answer = evidence(run_of((5, 5.05), first=8), identity=msgspec.structs.replace(GOOD, currency="USD"))
    assert "rejected" == decided(answer, before).verdict


def test_a_correction_of_a_series_as_traded_is_no_rescale() -> None:
    """Though it be the only day that was held and answered."""
    answer = evidence(run_of((10.5, 10.6), first=9))
    decision = judge(answer, held(run_of([10 + n / 10 for n in range(10)])), basis="as_traded", exchange="SAO")
    assert isinstance(decision, ValidationCompleted)
    assert (counts(2, 1, 1, 0), None) == (tallies(decision), decision.rescale)


@pytest.mark.parametrize(("basis", "rules"), [("split_adjusted", ["REWRITTEN"]), ("as_traded", [])])
def test_a_history_that_became_another_is_flagged_where_the_provider_adjusts_it(basis: Basis, rules: list[str]) -> None:
    """As traded, each close that differs is a correction of its own."""
    closes = [20 + n / 10 for n in range(12)]
    other = [close * (1.001 + n / 2000) for n, close in enumerate(closes)]
    decision = judge(evidence(run_of(other)), held(run_of(closes)), basis=basis, exchange="SAO")
    assert isinstance(decision, ValidationCompleted)
    assert (12, rules) == (decision.revised, [each.rule for each in decision.flagged])


def test_what_is_held_of_too_few_days_is_no_series_to_judge_by() -> None:
    """A decision by part of what it looks at would be another; as traded the ends are not among it."""
    bars = run_of((10, 10.1, 10.2))
    answer = evidence(bars)
    whole = held(bars)
    for reach in (Reach(Window(session(0), session(1)), ends=True), Reach(Window(session(0), session(2)), ends=False)):
        with pytest.raises(ValueError, match="got a series held for"):
            judge(answer, replace(whole, reach=reach, leaves={}), basis="split_adjusted", exchange="SAO")
    assert whole.reaches(Reach(Window(session(0), session(2)), ends=True))


def test_what_a_file_of_higher_rank_holds_stands() -> None:
    """A day of it is neither revised nor withdrawn by one made earlier; of equal rank the last one imported stands."""
    days = [session(n) for n in range(4)]
    earlier, same = Rank(date(2026, 3, 6), "month"), Rank(date(2026, 3, 7), "month")
    ranks = {days[0]: Rank(date(2026, 3, 7), "day"), days[1]: same, days[2]: Rank(date(2026, 3, 8), "year")}
    before = Held(held(run_of((10, 10.1, 10.2, 10.3))).bars, ranks=ranks)
    window = Window(days[0], days[3])

    def outcome(closes: Sequence[float], rank: Rank, first: int = 0) -> tuple[list[date], list[date], list[date]]:
        answer = evidence(run_of(closes, first=first), window=window)
        found = judge(answer, before, basis="as_traded", exchange="SAO", reading=Reading(rank=rank))
        assert isinstance(found, ValidationCompleted)
        return [one.date for one in found.bars], list(found.outranked), list(found.withdrawn)

    assert (days[3:], days[:3], []) == outcome((11, 11.1, 11.2, 11.3), earlier)
    assert ([days[1], days[3]], [days[0], days[2]], []) == outcome((11, 11.1, 11.2, 11.3), same)
    assert ([days[3]], [], [days[1]]) == outcome((11.3,), same, first=3)


def test_superseded_sets_the_evidence_aside() -> None:
    """Nothing is accepted and nothing said; what came is counted."""
    decision = superseded(evidence(run_of((10, 10.1))), Held({}), basis="as_traded")
    expected = ("superseded", "as_traded", counts(2, 0, 0, 0), ())
    assert expected == (decision.verdict, decision.basis, tallies(decision), decision.bars)


@pytest.mark.parametrize(
    ("window", "now", "due"),
    [
        (Window(session(0), session(4)), "2026-03-31T12:00:00+00:00", 5),
        (Window(session(0), session(4)), "2026-03-04T21:29:59+00:00", 2),
        (Window(session(0), session(4)), "2026-03-04T21:30:00+00:00", 3),
        (Window(session(0), session(4)), "2026-03-01T12:00:00+00:00", 0),
    ],
)
def test_sessions_due_are_the_final_ones_of_the_window(window: Window, now: str, due: int) -> None:
    """With none due, no rows are no failure."""
    assert due == sessions_due(window, instant(now))


ROWS = st.builds(
    RawBar,
    date=st.integers(-3, 12).map(lambda n: session(0).replace(day=4 + n)),
    open=st.sampled_from([10.0, 10.5, 0.0, NAN]),
    high=st.sampled_from([11.0, 10.2, NAN]),
    low=st.sampled_from([9.5, 10.1]),
    close=st.sampled_from([10.2, 10.6, 14.0]),
    adj_close=st.sampled_from([None, 9.9, NAN]),
    volume=st.sampled_from([None, 0, 5, 5.5, -1]),
)
ACCEPTED = st.builds(
    Bar,
    date=st.integers(-3, 12).map(lambda n: session(0).replace(day=4 + n)),
    open=st.just(10_200_000),
    high=st.just(11_000_000),
    low=st.just(9_500_000),
    close=st.sampled_from([10_200_000, 10_600_000]),
    adj_close=st.none(),
    volume=st.just(5),
)


@settings(derandomize=True, deadline=None, max_examples=200)
@for_all(sent=st.lists(ROWS, max_size=25), known=st.lists(ACCEPTED, max_size=8), through_body=st.booleans())
def test_every_day_received_is_accepted_rejected_or_partial_and_only_one_of_them(
    sent: list[RawBar], known: list[Bar], *, through_body: bool
) -> None:
    """Counts, lists and what is held account for every day of the answer."""
    body = sent if through_body else []
    handed = list({each.date: each for each in sent}.values()) if through_body else sent
    before = Held({each.date: each for each in known})
    window = Window(session(-1), session(20))
    answer = evidence(handed, window=window, finished="2026-03-11T15:00:00+00:00")
    decision = decided(answer, before, body_rows=body, threshold_percent=100)
    days = {each.date for each in sent}
    listed = [
        *(each.date for each in decision.bars),
        *decision.partial,
        *(each.date for each in decision.rejected if each.date),
    ]
    assert len(set(listed)) == len(listed)
    assert len(sent) == decision.received
    if decision.verdict != "rejected":
        unchanged = days - set(listed)
        assert len(unchanged) == decision.unchanged
        assert unchanged <= before.bars.keys()
        assert set(listed) <= days
        assert {day for day in before.bars if day not in days} == set(decision.withdrawn) or not days


def test_judging_touches_no_slow_module_and_no_disk() -> None:
    """The rules run where only the standard library and msgspec are loaded."""
    slow = "{'pandas', 'numpy', 'yfinance', 'lmdb', 'click', 'statistics', 'logging'}"
    code = f"import sys, ledger.ingest.rules.judge; print(sorted({slow} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout


@pytest.mark.parametrize(
    ("reading", "details"),
    [
        (Reading(granularity="1d"), []),
        (Reading(granularity="1wk"), ["got granularity 1wk, want 1d"]),
        (Reading(granularity="1mo", names_currency=True), ["got granularity 1mo, want 1d"]),
        (Reading(rows=run_of((10, 10.1)), names_currency=True), ["got granularity none, want 1d"]),
        (Reading(rows=run_of((10, 10.1))), []),
    ],
)
def test_bars_of_another_length_are_another_series(reading: Reading, details: list[str]) -> None:
    """Weekly bars passed for daily ones, four sessions of five missing."""
    answer = evidence(run_of((10, 10.1)))
    assert details == [finding.detail for finding in foreign_identity(answer, "SAO", reading)]


@pytest.mark.parametrize(("named", "rows", "missed"), [(True, True, True), (False, True, False), (True, False, False)])
def test_rows_of_no_currency_are_rejected_where_the_format_names_one(*, named: bool, rows: bool, missed: bool) -> None:
    """An answer without rows has nothing to name it for; a format without currencies names none."""
    bars = run_of((10, 10.1))
    answer = evidence(bars, identity=replace(GOOD, currency=None))
    reading = Reading(rows=bars if rows else (), names_currency=named, granularity="1d")
    details = ["got currency none, want BRL"] if missed else []
    assert details == [finding.detail for finding in foreign_identity(answer, "SAO", reading)]


@pytest.mark.parametrize(("factor", "revised"), [(1 + 4e-7, 0), (1 - 9e-7, 0), (1 + 2e-6, 1)])
def test_the_last_bits_of_an_adjusted_close_are_no_revision(factor: float, revised: int) -> None:
    """What is held stands, whatever the float says past a millionth of it; any other field counts to the last digit."""
    before = Held({session(0): bar(raw(session(0), 37.0, adj=36.5)), session(1): bar(raw(session(1), 37.1, adj=36.6))})
    answer = evidence([raw(session(n), 37 + n / 10, adj=(36.5 + n / 10) * (factor if n else 1)) for n in range(2)])
    decision = decided(answer, before)
    assert (revised, 2 - revised) == (decision.revised, decision.unchanged)
    moved = evidence([raw(session(0), 37.0, adj=36.5), replace(raw(session(1), 37.1, adj=36.6), volume=1001)])
    assert 1 == decided(moved, before).revised


def test_an_answer_without_actions_withdraws_none() -> None:
    """Each that is held is kept and flagged: a warning, where it was silence."""
    bars = run_of((10, 10.1, 10.2))
    before = Held(held(bars).bars, (paid(session(1), 500_000), parted(session(2), 1, 1)))
    decision = decided(evidence(bars), before)
    assert ("warning", [("EVENT", session(1)), ("EVENT", session(2))]) == (decision.verdict, ids(decision.flagged))
    nothing = evidence([], window=Window(session(0), session(2)))
    assert [] == ids(decided(nothing, before).flagged), "no row is an answer about no day"


def test_what_a_library_lost_of_the_actions_is_read_from_the_body() -> None:
    """Integers, currencies and equal payments are the body's own."""
    offers = (
        Offer(date=session(0), kind="split", numerator=10_341, denominator=10_000),
        Offer(date=session(1), kind="dividend", amount=0.55015787),
        Offer(date=session(1), kind="dividend", amount=0.55015787),
        Offer(date=session(1), kind="dividend", amount=0.26, currency="USD"),
    )
    answer = evidence(run_of((10, 10.1)), [RawAction(session(0), "split", 1.0341)])
    decision = judge(answer, NOTHING, basis="split_adjusted", exchange="SAO", reading=Reading(offers=offers))
    assert isinstance(decision, ValidationCompleted)
    assert [None, 550_157_870_000, 550_157_870_000] == [action.amount for action in decision.actions]
    assert (10_341, 10_000) == (decision.actions[0].numerator, decision.actions[0].denominator)
    assert [("EVENT", session(1))] == ids(decision.flagged)


def gaps(answer: FetchSucceeded, before: Held = NOTHING, reading: Reading = NOTHING_READ) -> list[int]:
    """Return which sessions the decision says are missing, counted from the first Monday."""
    decision = judge(answer, before, basis="split_adjusted", exchange="SAO", reading=reading)
    assert isinstance(decision, ValidationCompleted)
    numbers = {session(n): n for n in range(-5, 25)}
    return [numbers[each.date] for each in decision.warned if each.rule == "GAP" and each.date]


@pytest.mark.parametrize(
    ("first_day", "missing"),
    [
        (None, [6, 8, 9]),
        (session(0), [0, 1, 2, 3, 4, 6, 8, 9]),
        (session(4), [4, 6, 8, 9]),
        (session(-50), [-2, -1, 0, 1, 2, 3, 4, 6, 8, 9]),
    ],
)
def test_sessions_due_are_missing_from_the_first_day_of_the_series_to_the_last_final_one(
    first_day: date | None, missing: list[int]
) -> None:
    """A truncated answer is not complete: where the first day is not known, from the first row on."""
    answer = evidence(
        [raw(session(5), 10.0), raw(session(7), 10.1)],
        window=Window(session(-2), session(12)),
        finished="2026-03-13T22:00:00+00:00",
    )
    assert missing == gaps(answer, reading=Reading(first_day=first_day))
    assert [] == gaps(answer, reading=Reading(first_day=first_day, every_session=False))


def test_a_session_whose_row_is_rejected_or_null_is_missing() -> None:
    """Unless it is held, and stays."""
    null = RawBar(session(1), NAN, NAN, NAN, NAN, None, 0)
    bars = [raw(session(0), 10.0), null, broken(2), raw(session(3), 10.2)]
    assert [1, 2] == gaps(evidence(bars))
    assert [1] == gaps(evidence(bars), held([raw(session(2), 10.1)]))


@pytest.mark.parametrize("nulls", [0, 12, 60])
def test_days_without_a_trade_reject_nobody_else(nulls: int) -> None:
    """However many rows are null, the others are accepted and the sessions are counted as missing."""
    bars = [
        RawBar(session(n), NAN, NAN, NAN, NAN, None, 0) if 0 < n <= nulls else raw(session(n), 10 + n / 100)
        for n in range(-60, 70)
    ]
    decision = decided(evidence(bars, finished="2026-12-31T12:00:00+00:00"))
    assert ("success", 130 - nulls, nulls) == (
        decision.verdict,
        decision.added,
        sum(each.rule == "GAP" for each in decision.warned),
    )


@pytest.mark.parametrize(("ticker", "found"), [("PETR4.SA", True), ("^BVSP", False), ("IFIX.SA", False)])
def test_an_index_has_no_volume(ticker: str, *, found: bool) -> None:
    """Nobody trades it, so a volume of 0 says nothing, whether the price moved or stood."""
    flat = RawBar(session(2), 10.3, 10.3, 10.3, 10.3, 10.3, 0)
    answer = evidence([*(raw(session(n), 10 + n / 10, volume=0) for n in range(2)), flat])
    answer = replace(answer, ticker=ticker, request=replace(answer.request, ticker=ticker))
    decision = decided(replace(answer, identity=replace(GOOD, symbol=ticker)))
    flagged, warned = [("VOLUME", session(0)), ("VOLUME", session(1))], [("VOLUME", session(2))]
    assert ((flagged, warned) if found else ([], [])) == (ids(decision.flagged), ids(decision.warned))


@pytest.mark.parametrize(
    ("ticker", "found"), [("PETR4.SA", True), ("PETRA10@2026-01-16.SA", False), ("PETR4T@T030.SA", False)]
)
def test_a_step_of_a_contract_is_no_sign_of_an_error(ticker: str, *, found: bool) -> None:
    """An option falls to a centavo and has no split: neither the step nor the day's range is flagged."""
    answer = evidence([raw(session(0), 0.36), replace(raw(session(1), 0.01), high=0.4)])
    answer = replace(answer, ticker=ticker, request=replace(answer.request, ticker=ticker))
    answer = replace(answer, identity=replace(GOOD, symbol=ticker))
    rules = {"JUMP", "RANGE"} if found else set()
    assert rules == {each.rule for each in decided(answer).flagged}


def test_frozen_closes_without_a_trade_are_flagged() -> None:
    """Fifteen of them used to be a success with nothing flagged."""
    frozen = [RawBar(session(n), 10, 10, 10, 10, 10, 0) for n in range(15)]
    decision = decided(evidence(frozen))
    assert ("warning", [("STALE", session(14))]) == (decision.verdict, ids(decision.flagged))
