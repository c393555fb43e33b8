"""What an import prints of a file, and what a list of files adds up to."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from cli.app.exit_codes import Exit
from cli.commands.ingest import file_import
from cli.commands.ingest.file_import import FileRun
from cli.commands.ingest.import_cotahist import row as import_row
from cli.commands.ingest.import_cotahist.row import ImportedFile, ImportRow, Refusal
from ledger.chain import Head, Link
from ledger.errors import CotahistError, LedgerError, StorageError, TickerLockError
from ledger.events import ValidationCompleted
from ledger.ingest.providers.cotahist.importing import Imported
from ledger.ingest.providers.cotahist.intake import Contents, RefusedCode
from ledger.ingest.providers.port import NotFinalError
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.judge import superseded
from ledger.values import Finding, Window
from tests.ledger.ingest.answers import evidence, run_of, session

CONTENTS = Contents(
    name="A.ZIP",
    sha256=bytes(32),
    made_on=date(2025, 12, 31),
    window=Window(date(2025, 1, 2), date(2025, 12, 30)),
    records=100,
    outside=10,
    refused=(),
    tickers=3,
    started_at=1,
    finished_at=2,
)
SESSION = date(2025, 1, 2)
RUN = FileRun(job_id=bytes(16), elapsed_s=1.23456, head=Head(7, Link(b"\1" * 32)))
ERRORS: Mapping[str, LedgerError] = {
    "bad-answer": CotahistError("A.ZIP", line=3, found="x", wanted="y"),
    "not-final": NotFinalError("A.ZIP", session=SESSION, made_on=SESSION, again="2025-01-02T21:30:00Z"),
    "locked": TickerLockError("cotahist", waited_s=1, holder_pid=5, holder_job_id=None),
    "internal": StorageError(Path("p"), "reason"),
}


def done(contents: Contents = CONTENTS, **total: int) -> ImportRow:
    """Return the row of a file with these counts."""
    return import_row.row(ImportedFile(contents, total, 6), RUN)


def took(decision: ValidationCompleted | None, *, records: int) -> Imported:
    """Return what became of a ticker."""
    return Imported(ticker="PETR4.SA", records=records, decision=decision, seq=None)


def failed(kind: str) -> ImportRow:
    """Return the row of a file that failed that way."""
    return import_row.failed("A.ZIP", RUN, ERRORS[kind], hint="main x")


def test_a_ticker_counts_its_decision() -> None:
    """A finding on the whole answer is no row."""
    decision = replace(
        superseded(evidence(run_of((10, 10.1))), Held({}), basis="as_traded"),
        verdict="warning",
        added=3,
        revised=2,
        unchanged=1,
        withdrawn=(session(1),),
        partial=(session(2), session(3)),
        rejected=(Finding("THRESHOLD", None, "…"), Finding("NONPOS", session(4), "…")),
        flagged=(Finding("JUMP", session(5), "…"),),
        outranked=(session(6),),
    )
    expected = {
        "added": 3, "revised": 2, "unchanged": 1, "outranked": 1, "rejected": 1, "partial": 2, "duplicates": 0,
        "flagged": 1, "withdrawn": 1, "warned": 0,
    }  # fmt: skip
    assert expected == import_row.counts(took(decision, records=10))


def test_what_is_refused_of_a_ticker_says_why() -> None:
    """All of it by the first finding, or session by session; one that was accepted has nothing to say."""
    decision = superseded(evidence(run_of((10, 10.1))), Held({}), basis="as_traded")
    findings = Finding("IDENTITY", None, "got currency CZ$"), Finding("NONPOS", session(4), "got 0")
    whole = replace(decision, verdict="rejected", rejected=findings)
    some = replace(decision, verdict="warning", rejected=findings[1:])
    assert [
        [],
        [Refusal("PETR4.SA", 10, "IDENTITY: got currency CZ$")],
        [Refusal("PETR4.SA", 1, f"{session(4)} NONPOS: got 0")],
        [],
    ] == [list(import_row.refusals(took(one, records=10))) for one in (decision, whole, some, None)]


def test_a_ticker_imported_before_counts_as_repeated() -> None:
    """And as nothing else."""
    assert {"repeated": 1, "rows_repeated": 3} == import_row.counts(took(None, records=3))


def test_a_row_says_file_counts_and_where_the_log_stands() -> None:
    """The fields in their order, those of a usual run."""
    expected = ImportRow(
        file="A.ZIP",
        sha256="00" * 32,
        records=100,
        tickers=3,
        added=80,
        revised=1,
        unchanged=2,
        rejected=0,
        skipped=0,
        status="success",
        elapsed_sec=1.235,
        job_id="00000000-0000-0000-0000-000000000000",
        provider="cotahist",
        repeated=1,
        outside=10,
        first_date="2025-01-02",
        last_date="2025-12-30",
        seq=6,
        head="01" * 32,
    )
    assert expected == done(added=80, revised=1, unchanged=2, repeated=1)


@pytest.mark.parametrize(
    ("row", "status", "code"),
    [
        (done(added=5), "success", Exit.OK),
        (done(repeated=3), "success", Exit.OK),
        (done(added=5, flagged=1), "warning", Exit.WARNING),
        (done(added=5, withdrawn=1), "warning", Exit.WARNING),
        (done(added=5, warned=1), "success", Exit.OK),
        (done(replace(CONTENTS, refused=(RefusedCode("SEMNUM", "…", 1),)), added=5), "warning", Exit.OK),
        (done(added=5, partial=1), "warning", Exit.WARNING),
        (done(added=5, outranked=1), "success", Exit.OK),
        (done(added=5, rejected=1), "warning", Exit.WARNING),
        (done(added=5, tickers_rejected=2), "warning", Exit.WARNING),
        (done(tickers_rejected=3), "rejected", Exit.CRITICAL),
        (done(added=5, tickers_failed=1), "warning", Exit.WARNING),
        (done(tickers_failed=3), "error", Exit.CRITICAL),
        (done(tickers_rejected=2, repeated=1), "rejected", Exit.CRITICAL),
        (done(replace(CONTENTS, tickers=0)), "warning", Exit.WARNING),
        (failed("bad-answer"), "error", Exit.CRITICAL),
        (failed("internal"), "error", Exit.CRITICAL),
        (failed("locked"), "locked", Exit.UNKNOWN),
    ],
)
def test_a_files_status_and_the_exit_code_of_it_alone(row: ImportRow, status: str, code: Exit) -> None:
    """Whatever is rejected, flagged or lacking wants a look, as after a run; what was only warned of does not."""
    assert (status, code) == (row.status, import_row.exit_code([row]))


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([done(added=1), failed("bad-answer")], Exit.WARNING),
        ([done(added=1), failed("locked")], Exit.WARNING),
        ([failed("bad-answer"), failed("locked")], Exit.CRITICAL),
        ([done(added=1), done(tickers_rejected=3)], Exit.CRITICAL),
        ([done(added=1), done(repeated=3)], Exit.OK),
    ],
)
def test_the_worst_file_decides_unless_others_went_well(rows: list[ImportRow], code: Exit) -> None:
    """As with the tickers of a run."""
    assert code == import_row.exit_code(rows)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            done(added=80, flagged=2),
            "A.ZIP warning: 3 tickers of 100 records: 80 added, 2 flagged, 10 not asked for | cotahist | 1.235s",
        ),
        (
            done(replace(CONTENTS, refused=(RefusedCode("SEMNUM", "…", 7),)), unchanged=4, partial=1),
            (
                "A.ZIP warning: 3 tickers of 100 records: 0 added, 4 unchanged, 1 not final yet, "
                "10 not asked for, 7 of no series | cotahist | 1.235s\n"
                "  and 7 more: --refused names all"
            ),
        ),
        (done(repeated=3), "A.ZIP success: all 3 tickers were imported before, nothing appended"),
        (failed("bad-answer"), "A.ZIP error: bad-answer | cotahist | 1.235s"),
        (failed("locked"), "A.ZIP locked | cotahist | 1.235s"),
    ],
)
def test_a_person_reads_what_there_was_of(row: ImportRow, text: str) -> None:
    """Counts of nothing are left out, but for what was added."""
    assert text == import_row.text(row)


def test_a_failure_complains_and_a_success_does_not() -> None:
    """An error line and its hint, for stderr; of a file that did not fail, why a look is due."""
    rows = failed("bad-answer"), done(added=1), done(added=1, flagged=2, partial=1), done(tickers_rejected=3)
    assert [
        ("error: A.ZIP: bad-answer: got x in line 3 of A.ZIP, want y", "hint: main x"),
        (),
        ("warning: A.ZIP: 2 flagged, 1 not final yet",),
        ("critical: A.ZIP: 3 tickers rejected",),
    ] == [file_import.complaint(row, import_row.looks_due) for row in rows]


@pytest.mark.parametrize("name", sorted(import_row.DUE))
def test_a_look_is_due_for_what_the_line_counts_too(name: str) -> None:
    """Under one name in both, alone."""
    fields = {"tickers rejected": "tickers_rejected", "tickers that could not be judged": "tickers_failed"}
    fields["not final yet"] = "partial"
    row = replace(done(), **{fields.get(name, name): 4})
    assert f"4 {name}" == import_row.looks_due(row)
    assert f", 4 {name}" in import_row.text(row)
