"""`main metrics` says how each ticker's ingest goes, and exits by the worst of them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cli.commands.status.health.free_space import AMPLE_BYTES
from ledger.chain import Head, Link
from ledger.store.anchor import Anchor
from ledger.store.mark import UNREADABLE_MARK, put_mark
from tests.support.cli import Result, environment, run_main
from tests.support.sample_ledger import EVENTS, FOLDER, ITUB4, NOW, PETR4, look

MAILED = "warning: ITUB4.SA: 4 rows rejected, 0 flagged\n"
START = "main --ticker VALE3.SA, or without a network: main --no-network --ticker VALE3.SA"
SIX = ["ticker", "last_ingest", "ingest_lag_seconds", "job_latency_ms", "rows_fetched", "error_count"]
INGESTED = 1771023600.0  # 2026-02-13T23:00:00Z
HEAVY = (
    *("pandas", "numpy", "pyarrow", "polars", "duckdb", "matplotlib", "yfinance"),
    *("structlog", "prometheus_client", "logging", "json", "dataclasses", "tenacity"),
)


def at(now: str) -> dict[str, str]:
    """Return the environment in which it is `now`."""
    return {"B3_LEDGER_NOW": now}


def test_a_line_a_ticker_begins_as_operators_know_it(sample: Path) -> None:
    """The worst ticker had rows rejected."""
    first, second = (
        f"Ticker: {ticker} | Last ingest: 2026-02-13T23:00:00Z | Ingest lag: 0s | Job latency avg: 0ms"
        f" | Rows: {rows} | Errors: 0 | Status: {status} | Last date: 2026-02-13 | Sessions behind: 0"
        f"{missing} | Provider: sample\n"
        for ticker, rows, status, missing in ((ITUB4, 504, "warning", " | Missing: 3"), (PETR4, 503, "success", ""))
    )
    assert Result(1, first + second, MAILED) == look("metrics", cwd=sample)


def test_json_has_the_six_fields_first_then_the_rest(sample: Path) -> None:
    """One object, for one ticker."""
    found = look("metrics", "--ticker", "petr4", "--format", "json", cwd=sample)
    (row,) = found.lines()
    expected = {
        "ticker": PETR4,
        "last_ingest": "2026-02-13T23:00:00Z",
        "ingest_lag_seconds": 0,
        "job_latency_ms": 0,
        "rows_fetched": 503,
        "error_count": 0,
        "status": "success",
        "sessions_behind": 0,
        "consecutive_failures": 0,
        "rows_total": 503,
        "last_date": "2026-02-13",
        "provider": "sample",
        "rejected": 0,
        "flagged": 0,
        "warned": 0,
        "missing": 0,
        "severity": "ok",
        "reason": None,
        "retired_on": None,
        "retired_into": None,
        "tickers": 1,
        "disputed_actions": 0,
        "unsized_actions": 0,
    }
    assert (0, "", expected, SIX) == (found.code, found.err, row, list(row)[:6])


@pytest.mark.parametrize(
    ("now", "behind", "code"),
    [
        ("2026-02-18T21:29:59Z", 0, 0),
        ("2026-02-18T21:30:00Z", 1, 2),
    ],
)
def test_carnival_is_no_alarm_until_the_next_session_is_final(now: str, behind: int, code: int, sample: Path) -> None:
    """Friday the 13th is followed by Wednesday the 18th, final at half past six in São Paulo."""
    found = run_main("metrics", "ingest-lag", "--ticker", PETR4, "--format", "json", cwd=sample, env=at(now))
    (row,) = found.lines()
    assert (code, behind, True) == (found.code, row["sessions_behind"], row["ingest_lag_seconds"] > 86_400)


def test_the_threshold_is_a_setting(sample: Path) -> None:
    """Behind, but not late yet; then late, and why on stderr."""
    env = at("2026-02-18T21:30:00Z")
    args = ("metrics", "--ticker", PETR4)
    well = run_main(*args, cwd=sample, env=env | {"METRICS_INGEST_LAG_THRESHOLD": "426600"})
    late = run_main(*args, cwd=sample, env=env | {"METRICS_INGEST_LAG_THRESHOLD": "426599"})
    why = f"critical: {PETR4}: got 426600s since its last ingest, want at most 426599s; sessions behind: 1\n"
    assert [(0, ""), (2, why)] == [(well.code, well.err), (late.code, late.err)]


def test_the_lag_alone(sample: Path) -> None:
    """As text."""
    line = "Ticker: PETR4.SA | Ingest lag: 3600s | Sessions behind: 0\n"
    assert Result(0, line, "") == run_main(
        "metrics", "ingest-lag", "--ticker", PETR4, cwd=sample, env=at("2026-02-14T00:00:00Z")
    )


def test_the_last_date_alone(sample: Path) -> None:
    """A bare day, for scripts."""
    assert Result(0, "2026-02-13\n", "") == look("metrics", "last-date", "PETR4", cwd=sample)


@pytest.mark.parametrize("args", [["--ticker", "VALE3"], ["ingest-lag", "--ticker", "VALE3"], ["last-date", "VALE3"]])
def test_a_ticker_that_was_never_ingested_is_unknown(args: list[str], sample: Path) -> None:
    """It is no zero."""
    error = f"error: got no ingest of VALE3.SA, want one recorded\nhint: {START}\n"
    assert Result(3, "", error) == look("metrics", *args, cwd=sample)


def test_without_a_ledger_there_are_no_metrics(tmp_path: Path) -> None:
    """And none is made."""
    found = look("metrics", cwd=tmp_path)
    assert (3, "", []) == (found.code, found.out, list(tmp_path.iterdir()))


def test_prometheus_reads_what_is_scraped(sample: Path) -> None:
    """By its own parser: names, labels and base units."""
    found = look("metrics", "--format", "prometheus", cwd=sample)
    samples = {
        (one.name.removeprefix("b3ledger_"), *one.labels.values()): one.value
        for family in text_string_to_metric_families(found.out)
        for one in family.samples
    }
    told = {key: samples[key] for key in sorted(samples) if PETR4 in key or len(key) == 1}
    assert (1, MAILED) == (found.code, found.err)
    assert told.pop(("free_bytes",)) > AMPLE_BYTES
    assert told == {
        ("up",): 1,
        ("bad_verdict",): 0,
        ("page_timestamp_seconds",): INGESTED,
        ("disputed_actions",): 0,
        ("unsized_actions",): 0,
        ("head_sequence",): EVENTS - 1,
        ("held_rows", "sample", PETR4): 503,
        ("ingest_consecutive_failures", "sample", PETR4): 0,
        ("ingest_duration_seconds", "sample", PETR4): 0,
        ("ingest_fetched_rows", "sample", PETR4): 503,
        ("ingest_lag_seconds", "sample", PETR4): 0,
        ("ingest_last_success_timestamp_seconds", "sample", PETR4): INGESTED,
        ("ingest_recent_failures", "sample", PETR4): 0,
        ("ingest_rejected_rows", "sample", PETR4): 0,
        ("ingest_flagged_findings", "sample", PETR4): 0,
        ("ingest_warned_findings", "sample", PETR4): 0,
        ("missing_sessions", "sample", PETR4): 0,
        ("ingest_runs_total", "error", PETR4): 0,
        ("ingest_runs_total", "locked", PETR4): 0,
        ("ingest_runs_total", "rejected", PETR4): 0,
        ("ingest_runs_total", "success", PETR4): 1,
        ("ingest_runs_total", "warning", PETR4): 0,
        ("sessions_behind", "sample", PETR4): 0,
        ("ticker_severity", "sample", PETR4): 0,
    }
    assert 1 == samples["ticker_severity", "sample", ITUB4]


def test_a_collectors_file_is_what_stdout_would_be(sample: Path, tmp_path: Path) -> None:
    """Whole, and nothing beside it."""
    out = tmp_path / "b3ledger.prom"
    printed = look("metrics", "--format", "prometheus", cwd=sample)
    assert Result(1, "", MAILED) == look("metrics", "--format", "prometheus", "--out", str(out), cwd=sample)
    assert (settled(printed.out), [out]) == (settled(out.read_text()), list(tmp_path.iterdir()))


def settled(page: str) -> str:
    """Return the page with the one figure that changes from moment to moment left out: how much is free on the disk."""
    return re.sub(r"(?m)^(b3ledger_free_bytes) .+$", r"\1", page)


@pytest.mark.damages("the file or the anchor", always=False)
@pytest.mark.parametrize(
    ("damage", "code", "message"),
    [
        ("cut", 2, "error: got a file cut to 9000 of "),
        ("anchor", 2, "error: got a log of "),
        ("gone", 3, "error: got no ledger in "),
        ("setting", 3, "error: got METRICS_INGEST_LAG_THRESHOLD='soon'"),
        ("crash", 2, "error: got "),
    ],
)
def test_the_page_says_that_the_ledger_cannot_be_read(damage: str, code: int, message: str, copy: Path) -> None:
    """It would look like a ledger that is well if it stayed as it was; the exit code and the error are the same."""
    args = ("metrics", "--format", "prometheus", "--out", "b3ledger.prom")
    assert 1 == look(*args, cwd=copy).code
    assert "b3ledger_up 1.0" in (copy / "b3ledger.prom").read_text().splitlines()
    env = NOW | ({"METRICS_INGEST_LAG_THRESHOLD": "soon"} if damage == "setting" else {})
    DAMAGES[damage](copy)
    found = run_main(*args, cwd=copy, env=env)
    page = (copy / "b3ledger.prom").read_text()
    assert (code, "") == (found.code, found.out)
    assert found.err.startswith(message)
    assert "b3ledger_up 0.0" in page.splitlines()
    assert "b3ledger_head_sequence" not in page


def cut(folder: Path) -> None:
    """Leave the first pages of the database."""
    os.truncate(folder / FOLDER / "data.mdb", 9000)


def moved_on(folder: Path) -> None:
    """Let the anchor remember more events than there are."""
    Anchor.create(folder / FOLDER / "head", Head(EVENTS + 2, Link(bytes(32)))).close()


def scrambled(folder: Path) -> None:
    """Fill every page behind the two meta pages with what kills the engine."""
    data = folder / FOLDER / "data.mdb"
    raw = data.read_bytes()
    data.write_bytes(raw[:8192] + b"\xff" * (len(raw) - 8192))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": cut,
    "anchor": moved_on,
    "gone": lambda folder: shutil.rmtree(folder / "dados"),
    "setting": lambda _: None,
    "crash": scrambled,
}


def test_a_mark_of_a_bad_verdict_is_a_gauge(copy: Path) -> None:
    """Beside what proves the ledger: the last backup, and the last verification that was recorded."""
    for args in (("backup", "--create"), ("verify", "--record")):
        assert 0 == look(*args, cwd=copy).code
    put_mark(copy / FOLDER, UNREADABLE_MARK)
    page = look("metrics", "--format", "prometheus", cwd=copy).out.splitlines()
    assert "b3ledger_bad_verdict 1.0" in page
    for name in ("backup", "verification"):
        assert f"b3ledger_{name}_last_success_timestamp_seconds {INGESTED:.7e}" in page


def test_a_file_of_anything_else_is_refused(sample: Path) -> None:
    """So is one that cannot be written."""
    refused = look("metrics", "--out", "x", cwd=sample)
    assert (3, "error: got --out with --format text, want --format prometheus") == (
        refused.code,
        refused.err.splitlines()[0],
    )
    unwritable = look("metrics", "--format", "prometheus", "--out", "/proc/none/x", cwd=sample)
    assert (3, "") == (unwritable.code, unwritable.out)


def test_an_option_in_front_of_a_subcommand_is_not_lost(sample: Path) -> None:
    """It is refused, with its place."""
    found = look("metrics", "--ticker", PETR4, "ingest-lag", cwd=sample)
    assert (3, "error: got --ticker in front of ingest-lag, want it after: main metrics ingest-lag --ticker") == (
        found.code,
        found.err.splitlines()[0],
    )


@pytest.mark.parametrize("args", [["metrics"], ["metrics", "--format", "json"], ["logs"]])
def test_nothing_slow_is_imported(args: list[str], sample: Path) -> None:
    """A reading command stays near its bare imports."""
    script = f"import sys; from cli.entry import run; run({args!r}); print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=sample, env=environment(NOW), capture_output=True, text=True, check=True
    )
    assert "[]" == done.stdout.splitlines()[-1]


@pytest.mark.parametrize("made", [{}, at("2031-05-05T12:00:00Z")], ids=["now", "by an older version"])
def test_the_samples_clock_stands_still(made: dict[str, str], tmp_path: Path) -> None:
    """It is no alarm tomorrow, though the machine's clock is long past its last session; older ones neither."""
    assert 0 == run_main("--no-network", "--ticker", PETR4, cwd=tmp_path, env=made).code
    assert 0 == run_main("backup", "--create", cwd=tmp_path, env=made).code
    done = run_main("metrics", "--format", "json", cwd=tmp_path)
    (row,) = done.lines()
    assert (0, 0, "ok") == (done.code, row["ingest_lag_seconds"], row["severity"])
    (health,) = run_main("health", "--format", "json", cwd=tmp_path).lines()
    assert ("ok", 0, 0) == (health["status"], health["ingest_lag_seconds"], health["backup_age_seconds"])
    assert (0, "") == ((alerts := run_main("alerts", cwd=tmp_path)).code, alerts.err)
    if not made:
        assert ("2026-02-13T22:00:00Z", 0) == (row["last_ingest"], row["sessions_behind"])
