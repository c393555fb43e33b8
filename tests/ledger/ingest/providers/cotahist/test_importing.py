"""A file becomes one append a ticker, evidence and decision in it, and the same file never becomes another."""

import hashlib
import shutil
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger.codec import decode_envelope, decode_event
from ledger.errors import CotahistError, LedgerReplacedError
from ledger.events import FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.ids import append_id
from ledger.ingest.providers.cotahist import file, importing
from ledger.ingest.providers.cotahist.importing import Imported, Importer
from ledger.ingest.providers.cotahist.intake import Contents, Intake, RefusedCode, Selection
from ledger.ingest.providers.cotahist.spool import Spool
from ledger.ingest.providers.port import NotFinalError
from ledger.ingest.rules.held import Held, Reach
from ledger.market.series import Series
from ledger.market.sessions import shift
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import Identity, Rank, Request, Source, Window
from projections.models import prices
from projections.store.runner import view_at
from tests.ledger.ingest.answers import instant
from tests.support.cotahist import line, made
from tests.support.drafts import connection_tested

FIRST = date(2025, 1, 2)
DAYS = [shift(FIRST, number) for number in range(10)]
LATER = instant("2026-01-05T12:00:00+00:00")
JOB = bytes(16)
ALL = Selection(market="all")


def nothing(*_: object) -> Held:
    """Return what is held of a ticker that is new."""
    return Held({})


def held_by(log: EventLog) -> Callable[[str, Reach], Held]:
    """Return what `log` holds of each ticker as of now."""
    tables = view_at(log, log.head().size).state["prices"]
    return lambda ticker, _: prices.held(tables, Series(ticker, "cotahist"))


def intake(path: Path, spool: Spool, wanted: Selection = ALL, *, finished_at: int = LATER) -> Contents:
    """Return what is found in the file at `path`, whose wanted quotes go into `spool`."""
    intake = Intake(wanted)
    with file.opened(path) as text:
        intake.fill(spool, text, text.batches())
        return intake.contents(text, started_at=finished_at - 1_000_000, finished_at=finished_at)


def run(
    path: Path, log: EventLog | None, *, wanted: Selection = ALL, finished_at: int = LATER, job_id: bytes = JOB
) -> list[Imported]:
    """Import the file at `path` and return what became of each ticker."""
    with Spool() as spool:
        contents = intake(path, spool, wanted, finished_at=finished_at)
        held = nothing if log is None else held_by(log)
        importer = Importer(contents, job_id=job_id, log=log, held=held, threshold_percent=10, lock_timeout_s=5)
        return list(importer.run(spool))


def events(log: EventLog) -> list[tuple[int | None, str, object]]:
    """Return cause, stream and event of all that was appended after the ledger's own event."""
    envelopes = [decode_envelope(record.seq, record.body) for record in log.read(1)]
    return [(one.cause, one.stream, decode_event(one)) for one in envelopes]


def closes(bars: ValidationCompleted) -> list[int]:
    """Return the closes of an event's accepted bars."""
    return [bar.close for bar in bars.bars]


def test_the_intake_counts_every_record_once(tmp_path: Path) -> None:
    """Wanted, outside, or without a ticker's name: nothing is lost silently."""
    lines = [
        line(FIRST), line(DAYS[1]), line(FIRST, "VALE3"), line(FIRST, "PETR4F", market="020"),
        line(FIRST, "SEMNUM"), line(DAYS[1], "SEMNUM"), line(DAYS[2], "AB4"),
    ]  # fmt: skip
    path = made(tmp_path / "A.TXT", lines)
    with Spool() as spool:
        contents = intake(path, spool, Selection())
    expected = Contents(
        name="A.TXT",
        sha256=hashlib.sha256(path.read_bytes()).digest(),
        made_on=date(2025, 12, 31),
        window=Window(FIRST, DAYS[2]),
        records=7,
        outside=1,
        refused=(
            RefusedCode("SEMNUM", "a code that is no ticker", 2),
            RefusedCode("AB4", "a code that is no ticker", 1),
        ),
        tickers=2,
        started_at=LATER - 1_000_000,
        finished_at=LATER,
    )
    assert expected == contents


@pytest.mark.parametrize(
    ("wanted", "tickers", "outside", "unnamed"),
    [
        (Selection(), ["PETR4.SA", "VALE3.SA"], 1, 1),
        (Selection(market="all"), ["PETR4.SA", "PETR4F.SA", "VALE3.SA"], 0, 1),
        (Selection(tickers=frozenset({"VALE3.SA"})), ["VALE3.SA"], 3, 0),
        (Selection(tickers=frozenset({"PETR4F.SA"})), [], 4, 0),
        (Selection(market="all", tickers=frozenset({"PETR4F.SA"})), ["PETR4F.SA"], 3, 0),
    ],
)
def test_what_is_wanted_is_a_market_and_tickers(
    wanted: Selection, tickers: list[str], outside: int, unnamed: int, tmp_path: Path
) -> None:
    """A code that is no ticker counts as outside where others were asked for by name."""
    lines = [line(FIRST), line(FIRST, "VALE3"), line(FIRST, "PETR4F", market="020"), line(FIRST, "SEMNUM")]
    with Spool() as spool:
        contents = intake(made(tmp_path / "A.TXT", lines), spool, wanted)
        assert (tickers, outside, unnamed) == (
            [name for name, _ in spool.tickers()],
            contents.outside,
            sum(one.records for one in contents.refused),
        )


def test_a_quote_without_a_price_refuses_the_file_by_its_line(tmp_path: Path, log: EventLog) -> None:
    """Before anything of it is appended, the tickers before it included."""
    broken = line(FIRST, "VALE3").replace(b"0000000003732", b"000000000373x", 1)
    path = made(tmp_path / "A.TXT", [line(FIRST), broken])
    with pytest.raises(CotahistError, match=r"got PREABE '000000000373x' in line 3 of A.TXT, want digits"):
        run(path, log)
    assert [] == events(log)


def test_a_cut_file_appends_nothing(tmp_path: Path, log: EventLog) -> None:
    """Its quotes are sound, and some more are missing."""
    path = made(tmp_path / "A.TXT", [line(day) for day in DAYS])
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(CotahistError, match="the file is cut"):
        run(path, log)
    assert [] == events(log)


def test_a_ticker_becomes_evidence_and_its_decision_in_one_append(tmp_path: Path, log: EventLog) -> None:
    """The evidence keeps the lines as they stand; the decision names it as its cause."""
    path = made(tmp_path / "A.TXT", [line(FIRST), line(FIRST, "VALE3", 6010), line(DAYS[1], close=3745)])
    sha256, lines = hashlib.sha256(path.read_bytes()).digest(), line(FIRST) + line(DAYS[1], close=3745)
    run(path, log)
    (no_cause, stream, fetch), (cause, same_stream, decision), *others = events(log)
    assert isinstance(fetch, FetchSucceeded)
    assert isinstance(decision, ValidationCompleted)
    assert (None, "PETR4.SA", 1, "PETR4.SA", 2) == (no_cause, stream, cause, same_stream, len(others))
    window = Window(FIRST, DAYS[1])
    params = {"file": "A.TXT", "sha256": sha256.hex(), "made_on": "2025-12-31"}
    assert (
        Request(ticker="PETR4.SA", window=window, params=params),
        Source(library="cotahist", version="2"),
        Identity(symbol="PETR4.SA", currency="BRL"),
        lines,
        "cotahist",
    ) == (fetch.request, fetch.source, fetch.identity, zlib.decompress(fetch.answer.body), fetch.provider)
    assert ("success", "as_traded", 2, [37_320_000, 37_450_000], [None, None]) == (
        decision.verdict,
        decision.basis,
        decision.added,
        closes(decision),
        [bar.adj_close for bar in decision.bars],
    )
    run_of_petr4 = log.append_run(append_id(f"cotahist/2/{sha256.hex()}/PETR4.SA"))
    assert (1, 2) == (run_of_petr4 and run_of_petr4.first, run_of_petr4 and run_of_petr4.count)


def test_the_same_file_twice_appends_nothing(tmp_path: Path, log: EventLog) -> None:
    """Another day, another job, another selection: the tickers that it brought are known."""
    path = made(tmp_path / "A.TXT", [line(FIRST), line(FIRST, "VALE3"), line(FIRST, "PETR4F", market="020")])
    first = run(path, log, wanted=Selection())
    size = log.head().size
    again = run(path, log, wanted=Selection(), finished_at=LATER + 1, job_id=bytes(15) + b"\1")
    assert ([(one.ticker, None, one.seq) for one in first], size) == (
        [(one.ticker, one.decision, one.seq) for one in again],
        log.head().size,
    )
    more = run(path, log, wanted=ALL, finished_at=LATER + 1)
    assert [True, False, True] == [one.decision is None for one in more]


def test_an_import_that_died_goes_on_where_it_stopped(
    tmp_path: Path, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tickers that were appended stay; the others follow."""
    monkeypatch.setattr(importing, "COMMIT_APPENDS", 1)
    path = made(tmp_path / "A.TXT", [line(FIRST, code) for code in ("ABEV3", "PETR4", "VALE3")])
    with Spool() as spool:
        contents = intake(path, spool)
        importer = Importer(contents, job_id=JOB, log=log, held=nothing, threshold_percent=10, lock_timeout_s=5)
        next(importer.run(spool))
    assert 3 == log.head().size
    assert [None, 1, 1] == [one.decision and one.decision.added for one in run(path, log)]


def test_nothing_is_appended_to_a_ledger_that_was_restored_meanwhile(
    tmp_path: Path, log: EventLog, home: LedgerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it is as long as the one that was read: what was decided went by that one. Asked again, all of it is."""
    monkeypatch.setattr(importing, "COMMIT_APPENDS", 1)
    path = made(tmp_path / "A.TXT", [line(FIRST, code) for code in ("ABEV3", "PETR4")])
    with Spool() as spool:
        contents = intake(path, spool)
        importer = Importer(contents, job_id=JOB, log=log, held=nothing, threshold_percent=10, lock_timeout_s=5)
        tickers = importer.run(spool)
        old, new = log.folder, home.next_folder()
        shutil.copytree(old, new)
        next(tickers)
        home.switch(new)
        with EventLog(home, now=lambda: LATER) as restored:
            restored.append([connection_tested(1), connection_tested(2)], append_id=append_id("restored"))
        replaced = (old / "data.mdb").read_bytes()
        with pytest.raises(LedgerReplacedError) as refused:
            next(tickers)
    assert (old, new, 3) == (refused.value.expected, refused.value.actual, log.head().size)
    assert replaced == (old / "data.mdb").read_bytes()
    assert [1, 1] == [one.decision and one.decision.added for one in run(path, log)]


def test_another_file_of_the_same_days_revises_only_what_differs(tmp_path: Path, log: EventLog) -> None:
    """The day's file, then the year's with one close put right."""
    run(made(tmp_path / "D.TXT", [line(day) for day in DAYS[:2]]), log)
    (year,) = run(made(tmp_path / "A.TXT", [line(DAYS[0]), line(DAYS[1], close=3799), line(DAYS[2])]), log)
    decision = year.decision
    assert decision is not None
    assert (1, 1, 1, None, [37_990_000, 37_320_000]) == (
        decision.added,
        decision.revised,
        decision.unchanged,
        decision.rescale,
        closes(decision),
    )


def test_one_day_that_differs_is_a_correction_not_a_question(tmp_path: Path, log: EventLog) -> None:
    """There is nobody to ask for the whole range."""
    run(made(tmp_path / "A.TXT", [line(day, close=3732 + n) for n, day in enumerate(DAYS)]), log)
    (day,) = run(made(tmp_path / "D.TXT", [line(DAYS[9], close=3999)]), log)
    assert day.decision is not None
    assert (1, None) == (day.decision.revised, day.decision.rescale)


def test_a_day_that_a_later_file_lacks_is_withdrawn(tmp_path: Path, log: EventLog) -> None:
    """Inside the days of the file; the held row stays."""
    run(made(tmp_path / "A.TXT", [line(day) for day in DAYS[:4]]), log)
    fuller = [line(day) for day in (DAYS[0], DAYS[2])] + [line(day, "VALE3") for day in DAYS[:3]]
    petr4, _ = run(made(tmp_path / "B.TXT", fuller), log)
    assert (DAYS[1],) == (petr4.decision and petr4.decision.withdrawn)


def test_a_split_shows_as_a_jump(tmp_path: Path) -> None:
    """As traded, with no ratio given: flagged and accepted."""
    path = made(tmp_path / "A.TXT", [line(DAYS[0], close=5580), line(DAYS[1], close=2757)])
    (found,) = run(path, None)
    assert found.decision is not None
    assert ("warning", 2, [("JUMP", DAYS[1]), ("SPLIT_SUSPECT", DAYS[1])]) == (
        found.decision.verdict,
        found.decision.added,
        [(finding.rule, finding.date) for finding in found.decision.flagged],
    )


def test_a_grouping_by_ten_is_flagged(tmp_path: Path) -> None:
    """+896 % overnight."""
    path = made(tmp_path / "A.TXT", [line(DAYS[0], close=135), line(DAYS[1], close=1345)])
    (found,) = run(path, None)
    assert ["JUMP", "SPLIT_SUSPECT"] == [finding.rule for finding in (found.decision and found.decision.flagged) or ()]


@pytest.mark.parametrize(
    ("made_on", "finished_at", "added"),
    [
        (DAYS[1], f"{DAYS[1]}T21:29:59+00:00", None),
        (DAYS[1], f"{DAYS[1]}T21:30:00+00:00", 2),
        (DAYS[0], f"{DAYS[1]}T15:00:00+00:00", None),  # made before its last session
        (DAYS[1], f"{DAYS[0]}T23:00:00+00:00", None),
        (DAYS[2], f"{DAYS[1]}T15:00:00+00:00", 2),  # made on a later day, by a clock that is behind
        (DAYS[2], f"{DAYS[0]}T15:00:00+00:00", 2),
    ],
)
def test_a_file_is_final_by_the_clock_or_by_its_own_date(
    made_on: date, finished_at: str, added: int | None, tmp_path: Path, log: EventLog
) -> None:
    """18:30 in São Paulo, or made on a later day; else nothing of it is taken, and it says when to come back."""
    path = made(tmp_path / "D.TXT", [line(DAYS[0]), line(DAYS[1])], made_on=made_on)
    if added is None:
        with pytest.raises(NotFinalError, match=f"of {DAYS[1]} final: from {DAYS[1]}T21:30:00Z on"):
            run(path, log, finished_at=instant(finished_at))
        assert [] == events(log)
        return
    (found,) = run(path, log, finished_at=instant(finished_at))
    assert (added, ()) == (found.decision and found.decision.added, found.decision and found.decision.partial)


def test_a_younger_file_stands_whichever_came_first(tmp_path: Path, log: EventLog) -> None:
    """A month made on the 29th, then a day of it made on the 18th: evidence without effect, and it says so."""
    run(made(tmp_path / "M.TXT", [line(day) for day in DAYS[:3]], made_on=date(2025, 1, 29)), log)
    older = [line(DAYS[1], close=3799), line(DAYS[1], "VALE3")]
    petr4, vale3 = run(made(tmp_path / "D.TXT", older, made_on=date(2025, 1, 18)), log)
    assert petr4.decision is not None
    assert vale3.decision is not None
    assert ("success", 0, 0, (DAYS[1],), Rank(date(2025, 1, 18), "day")) == (
        petr4.decision.verdict,
        petr4.decision.added,
        petr4.decision.revised,
        petr4.decision.outranked,
        petr4.decision.rank,
    )
    assert petr4.decision.before == petr4.decision.after
    assert 1 == vale3.decision.added  # where nothing is held any rank adds
    (younger,) = run(made(tmp_path / "D2.TXT", [line(DAYS[1], close=3799)], made_on=date(2025, 1, 30)), log)
    assert (1, ()) == (younger.decision and younger.decision.revised, younger.decision and younger.decision.outranked)


def test_an_older_file_withdraws_nothing(tmp_path: Path, log: EventLog) -> None:
    """A day that it lacks is in a younger one."""
    run(made(tmp_path / "M.TXT", [line(day) for day in DAYS[:3]], made_on=date(2025, 1, 29)), log)
    older = [line(day) for day in (DAYS[0], DAYS[2])]
    (found,) = run(made(tmp_path / "M2.TXT", older, made_on=date(2025, 1, 28)), log)
    assert ("success", (), 2) == (
        found.decision and found.decision.verdict,
        found.decision and found.decision.withdrawn,
        found.decision and found.decision.unchanged,
    )


@pytest.mark.parametrize(("close", "revised"), [(3799, 1), (3732, 0)])
def test_of_equal_ranks_the_last_imported_stands(close: int, revised: int, tmp_path: Path, log: EventLog) -> None:
    """Two files of one day, made on one day."""
    run(made(tmp_path / "D.TXT", [line(DAYS[1])]), log)
    found, _ = run(made(tmp_path / "D2.TXT", [line(DAYS[1], close=close), line(DAYS[1], "VALE3")]), log)
    assert found.decision is not None
    assert (revised, 1 - revised, ()) == (found.decision.revised, found.decision.unchanged, found.decision.outranked)


@pytest.mark.parametrize("former", [0, 1, 5, 10])
def test_prices_in_a_former_currency_are_a_series_of_their_own(tmp_path: Path, former: int) -> None:
    """The year in which the real came: neither is mixed into the other, and nothing is rejected."""
    lines = [line(day, currency="CZ$" if n < former else "R$") for n, day in enumerate(DAYS)]
    found = run(made(tmp_path / "A.TXT", lines), None)
    expected = [("PETR4.SA", "BRL", "success", len(DAYS) - former), ("PETR4~BRC.SA", "BRC", "success", former)]
    decisions = [(one.ticker, one.decision) for one in found if one.decision]
    assert [row for row in expected if row[3]] == [
        (ticker, decision.currency, decision.verdict, decision.added) for ticker, decision in decisions
    ]


def test_what_shares_a_code_is_held_apart(tmp_path: Path, log: EventLog) -> None:
    """A share, its auction and its block; a forward at two terms; an option code of two years."""
    lines = [
        line(FIRST), line(FIRST, market="017", close=9), line(FIRST, market="021", close=8),
        line(FIRST, "PETR4T", market="030", term="030"), line(FIRST, "PETR4T", market="030", term="060", close=7),
        line(FIRST, "BBASA45", market="070", expiry="20250117"),
        line(FIRST, "BBASA45", market="070", expiry="20260116", close=6),
    ]  # fmt: skip
    expected = {
        "PETR4.SA": 3732, "PETR4@M017.SA": 9, "PETR4@M021.SA": 8, "PETR4T@T030.SA": 3732, "PETR4T@T060.SA": 7,
        "BBASA45@2025-01-17.SA": 3732, "BBASA45@2026-01-16.SA": 6,
    }  # fmt: skip
    found = run(made(tmp_path / "A.TXT", lines), log)
    assert {ticker: [close * 10_000] for ticker, close in expected.items()} == {
        one.ticker: closes(one.decision) for one in found if one.decision
    }


def test_two_quotes_of_one_day_that_differ_are_rejected(tmp_path: Path) -> None:
    """And two that agree are one."""
    lines = [*(line(day) for day in DAYS), line(DAYS[0]), line(DAYS[3], close=3800)]
    (found,) = run(made(tmp_path / "A.TXT", lines), None)
    assert found.decision is not None
    assert (12, 9, ["DUPLICATE"]) == (
        found.decision.received,
        found.decision.added,
        [finding.rule for finding in found.decision.rejected],
    )


def test_a_mean_outside_low_and_high_is_no_fault(tmp_path: Path) -> None:
    """PREMED is not looked at."""
    (found,) = run(made(tmp_path / "A.TXT", [line(DAYS[0], mean=99)]), None)
    assert "success" == (found.decision and found.decision.verdict)


def test_a_dry_run_writes_nothing(tmp_path: Path, home: LedgerHome) -> None:
    """With a ledger open for reading, it judges against what is held all the same."""
    path = made(tmp_path / "A.TXT", [line(FIRST)])
    with EventLog(home, now=lambda: LATER, readonly=True) as reader:
        (found,) = run(path, reader)
        assert (1, None, []) == (found.decision and found.decision.added, found.seq, events(reader))


def test_a_ticker_that_cannot_be_judged_costs_no_other(
    tmp_path: Path, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is recorded as failed, and the same file brings it once it can be judged."""
    path = made(tmp_path / "A.TXT", [line(FIRST, code) for code in ("ABEV3", "PETR4", "VALE3")])
    really = importing.evidence

    def breaks(ticker: str, *given: Any) -> FetchSucceeded:
        if ticker == "PETR4.SA":
            raise OverflowError("too large")
        return really(ticker, *given)

    with monkeypatch.context() as broken:
        broken.setattr(importing, "evidence", breaks)
        done = run(path, log)
    failures = [event for _, _, event in events(log) if isinstance(event, IngestFailed)]
    assert [None, "got OverflowError: too large, want none", None] == [one.error and str(one.error) for one in done]
    assert [("PETR4.SA", "judge", "internal")] == [(one.ticker, one.stage, one.error_kind) for one in failures]
    assert [None, 1, None] == [one.decision and one.decision.added for one in run(path, log)]
