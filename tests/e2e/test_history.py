"""What history does to a series between two runs: splits, dividends, corrections, withdrawals, late sessions."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec
import numpy as np
import pytest

from ledger.events import ValidationCompleted
from ledger.market.sessions import sessions
from ledger.values import Window
from tests.e2e.workplace import Told, Workplace, at, decisions
from tests.support.yahoo_series import Series, correct, dividend, make_series, split, widened, withdraw
from tests.support.yahoo_server import YahooServer

TICKER = "PETR4.SA"
THEN = datetime(2026, 2, 5, 12, tzinfo=UTC)  # a Thursday: Wednesday the 4th is the last final session
NOW = datetime(2026, 2, 13, 12, tzinfo=UTC)
DECADE = sessions(Window(date(2016, 2, 10), date(2026, 2, 12)))
SEASON = sessions(Window(date(2025, 11, 3), date(2026, 2, 12)))
HELD_THEN = tuple(day for day in SEASON if day <= date(2026, 2, 4))
OVERLAP = Window(date(2026, 1, 28), date(2026, 2, 13))  # five sessions before the last one held, to today
SNAPSHOT = "PETR4-20260212.csv"


def until(series: Series, day: date) -> Series:
    """Return the series as it stood when `day` was its last."""
    return msgspec.structs.replace(series, days=tuple(row for row in series.days if row.date <= day))


def split_since(series: Series) -> Series:
    """Return the series as Yahoo tells it NOW: one share became two after THEN, and all prices are halved."""
    return msgspec.structs.replace(series, splits=((date(2026, 2, 10), 2, 1),))


def doubled(series: Series) -> Series:
    """Return the series as Yahoo told it THEN, before its shares were halved."""
    return Series(days=split(series, date.max, 1, 2).days)


class Story:
    """Two runs of one ticker: what Yahoo says THEN, and what it says NOW."""

    def __init__(self, place: Workplace, server: YahooServer) -> None:
        self.place = place
        self.server = server

    def first(self, series: Series, *args: str) -> None:
        """Run when Wednesday was the last session."""
        self.server.now = THEN
        self.server.series[TICKER] = until(series, date(2026, 2, 4))
        assert 0 == self.place.run("--ticker", TICKER, *args, B3_LEDGER_NOW=at(THEN)).code
        self.seen = len(self.server.windows(TICKER))
        self.size = self.place.head().size

    def second(self, series: Series, *args: str) -> dict[str, object]:
        """Run eight days later and return the row, which is no failure."""
        self.server.now = NOW
        self.server.series[TICKER] = series
        (row,) = self.place.rows("--ticker", TICKER, *args).values()
        assert isinstance(row, dict)
        return row

    def asked(self) -> list[Window]:
        """Return the windows that the second run asked for."""
        return self.server.windows(TICKER)[self.seen :]

    def told(self) -> list[Told]:
        """Return the events of the second run."""
        return self.place.events(since=self.size)

    def decision(self) -> ValidationCompleted:
        """Return the only decision of the second run."""
        (decision,) = decisions(self.told())
        return decision


@pytest.fixture
def story(place: Workplace, server: YahooServer) -> Story:
    """A story not begun yet."""
    return Story(place, server)


def csv_lines(series: Series) -> list[str]:
    """Return the snapshot of a series, worked out by numpy's float32 and by decimals: the reference."""
    lines = ["date,open,high,low,close,volume"]
    for day in series.days:
        prices = ",".join(plain(price) for price in (day.open, day.high, day.low, day.close) if price is not None)
        lines.append(f"{day.date},{prices},{day.volume}")
    return lines


def plain(price: float) -> str:
    """Return the shortest decimal of a float32 to six places, two at least."""
    rounded = Decimal(str(np.float32(price))).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
    whole, _, places = f"{rounded:f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def test_a_split_rescales_the_whole_series_in_one_run(story: Story) -> None:
    """Ten years are held; the overlap comes back halved, and the same run asks for all of them again."""
    after = split_since(make_series(DECADE, seed=4))
    story.first(doubled(after), "--max-days", "3700")
    row = story.second(after)
    held = sum(day <= date(2026, 2, 4) for day in DECADE)
    assert ("success", len(DECADE), 6, held) == (row["status"], row["rows"], row["added"], row["revised"])
    assert csv_lines(after) == story.place.snapshot(SNAPSHOT)


def test_a_split_leaves_the_narrow_answer_set_aside(story: Story) -> None:
    """Both answers are evidence, then both are decided on at once: the narrow one superseded, the wide one accepted."""
    after = split_since(make_series(SEASON, seed=4))
    story.first(doubled(after))
    story.second(after)
    narrow, wide, aside, decision, written = story.told()
    assert [OVERLAP, Window(SEASON[0], OVERLAP.end)] == story.asked()
    assert ["superseded", "success"] == [one.verdict for one in decisions([aside, decision])]
    assert [narrow.seq, wide.seq, decision.seq] == [aside.cause, decision.cause, written.cause]
    assert ("snapshot.written", 1) == (written.type, len({one.job_id for one in story.told()}))


def test_a_quiet_rescale_is_noticed_by_the_overlap(story: Story) -> None:
    """Prices halved with no split told: the common ratio alone asks for the whole range."""
    after = make_series(SEASON, seed=5)
    story.first(doubled(after))
    row = story.second(after)
    assert [OVERLAP, Window(SEASON[0], OVERLAP.end)] == story.asked()
    assert ("success", len(HELD_THEN)) == (row["status"], row["revised"])
    assert csv_lines(after) == story.place.snapshot(SNAPSHOT)


def test_a_dividend_rewrites_adjusted_closes_and_no_price(story: Story) -> None:
    """All the adjusted closes move by one factor: the whole range is asked for, and the CSV keeps its prices."""
    before = make_series(SEASON, seed=6)
    after = dividend(before, date(2026, 2, 11), 0.75)
    story.first(before)
    row = story.second(after)
    assert [OVERLAP, Window(SEASON[0], OVERLAP.end)] == story.asked()
    assert ("success", len(HELD_THEN)) == (row["status"], row["revised"])
    assert csv_lines(before) == story.place.snapshot(SNAPSHOT)


def test_a_correction_in_the_overlap_is_a_new_version(story: Story) -> None:
    """One close of a day that is held comes back different: accepted, counted, and in the snapshot."""
    before = make_series(SEASON, seed=7)
    on = date(2026, 2, 3)
    (old,) = (day.close for day in before.days if day.date == on)
    assert old is not None
    close, high = (widened(old + more) for more in (0.01, 5))
    after = correct(before, on, close=close, adj_close=close, high=high)
    story.first(before)
    row = story.second(after)
    assert [OVERLAP] == story.asked()
    assert ("success", 6, 1) == (row["status"], row["added"], row["revised"])
    assert csv_lines(after) == story.place.snapshot(SNAPSHOT)


def test_an_old_correction_is_found_by_a_forced_refresh(story: Story) -> None:
    """A run asks for its overlap alone; `--force-refresh` asks for two years, and finds what changed before it."""
    before = make_series(SEASON, seed=8)
    after = correct(before, SEASON[10], volume=77_700)
    story.first(before)
    assert 0 == story.second(after)["revised"]
    assert 1 == story.second(after, "--force-refresh")["revised"]
    assert [OVERLAP, Window(date(2024, 2, 14), date(2026, 2, 13))] == story.asked()
    assert csv_lines(after) == story.place.snapshot(SNAPSHOT)


def test_a_withdrawn_row_stays_and_is_flagged(story: Story) -> None:
    """Yahoo no longer has a day that is held: the snapshot keeps it, the decision names it, the run is a warning."""
    before = make_series(SEASON, seed=9)
    on = date(2026, 2, 3)
    story.first(before)
    row = story.second(withdraw(before, on))
    assert ("warning", 1, len(SEASON)) == (row["status"], row["withdrawn"], row["rows"])
    assert (on,) == story.decision().withdrawn
    assert csv_lines(before) == story.place.snapshot(SNAPSHOT)


def test_a_session_that_comes_late_is_added(story: Story) -> None:
    """A day missing THEN is a gap that is told of; once Yahoo has it, the overlap brings it in."""
    whole = make_series(SEASON, seed=10)
    late = date(2026, 2, 2)
    story.first(withdraw(whole, late))
    gaps = [finding.date for finding in decisions(story.place.events())[0].warned if finding.rule == "GAP"]
    row = story.second(whole)
    assert [late] == gaps
    assert ("success", 7, len(SEASON)) == (row["status"], row["added"], row["rows"])
    assert csv_lines(whole) == story.place.snapshot(SNAPSHOT)


def test_a_gap_older_than_the_overlap_is_asked_for_again(story: Story) -> None:
    """The window begins at the gap, so that a day that Yahoo fills in weeks later is not lost for ever."""
    whole = make_series(SEASON, seed=11)
    late = date(2026, 1, 8)
    story.first(withdraw(whole, late))
    row = story.second(whole)
    assert [Window(late, OVERLAP.end)] == story.asked()
    assert ("success", 7, len(SEASON)) == (row["status"], row["added"], row["rows"])


def test_a_second_run_with_nothing_new_writes_no_snapshot(story: Story) -> None:
    """The question and the answer are events all the same; file and event of the snapshot stay as they were."""
    series = make_series(SEASON, seed=12)
    story.first(series)
    story.second(series)
    size = story.place.head().size
    row = story.second(series)
    assert ["fetch.succeeded", "validation.completed"] == story.place.types(since=size)
    assert (0, 0, len(SEASON), size + 1) == (row["added"], row["revised"], row["rows"], row["seq"])


def test_start_and_end_bound_the_question_and_never_the_snapshot(story: Story) -> None:
    """A week is asked for; every session held is in the snapshot."""
    series = make_series(SEASON, seed=13)
    story.first(series)
    row = story.second(series, "--start", "2026-02-02", "--end", "2026-02-06")
    assert [Window(date(2026, 2, 2), date(2026, 2, 6))] == story.asked()
    assert (2, len(HELD_THEN) + 2, "snapshots/PETR4-20260206.csv") == (row["added"], row["rows"], row["snapshot"])


def test_a_clock_set_back_between_runs_is_told_of_and_recorded_times_never_decrease(
    place: Workplace, server: YahooServer
) -> None:
    """A run under an earlier clock still appends; the oracle holds `recorded_at` to its order."""
    series = make_series(SEASON, seed=14)
    server.series[TICKER] = series
    assert 0 == place.run("--ticker", TICKER).code
    server.now = THEN
    back = place.run("--ticker", TICKER, B3_LEDGER_NOW=at(THEN))
    assert 0 == back.code
    assert "clock went back" in back.err
