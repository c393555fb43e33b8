"""Where one row comes from, against the provider's own answer."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.ingest.providers.yahoo import chart
from tests.cli.retelling import (
    CORRECTED,
    DAYS,
    FIRST_DECISION,
    LATE,
    NEW_CLOSE,
    OLD_CLOSE,
    SECOND_DECISION,
    SECOND_EVIDENCE,
    WITHDRAWN,
    look,
    objects,
)
from tests.support.cli import command, environment


def why(retold: Path, day: object) -> list[Any]:
    """Return every trace of the day."""
    return objects("why", "--ticker", "petr4", "--date", str(day), cwd=retold)


def raw_answer(retold: Path, seq: int) -> bytes:
    """Return the provider's answer, byte for byte."""
    args = command("events", "show", str(seq), "--raw")
    return subprocess.run(args, cwd=retold, env=environment(), capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    ("day", "outcomes"),
    [
        (CORRECTED, ["first", "revised"]),
        (WITHDRAWN, ["first", "withdrawn"]),
        (LATE, ["absent", "first"]),
        (DAYS[-1], ["first", "unchanged"]),
    ],
)
def test_each_decision_over_the_day_says_what_it_made_of_it(retold: Path, day: object, outcomes: list[str]) -> None:
    """Newest last."""
    found = why(retold, day)
    assert outcomes == [trace["outcome"] for trace in found]
    assert [FIRST_DECISION, SECOND_DECISION] == [trace["seq"] for trace in found]


def test_a_row_is_followed_down_to_the_raw_answer(retold: Path) -> None:
    """Its numbers are those of the body that `events show --raw` gives, under the same hash."""
    old, new = why(retold, CORRECTED)
    body = raw_answer(retold, SECOND_EVIDENCE)
    (sent,) = [row for row in chart.rows(body) if row.date == CORRECTED]
    (raw,) = new["evidence"]["raw"]
    assert {name: value for name, value in msgspec.structs.asdict(sent).items() if name != "date"} == raw
    assert raw == new["evidence"]["handed_over"]
    assert (SECOND_EVIDENCE, hashlib.sha256(body).hexdigest(), len(body)) == (
        new["evidence"]["seq"],
        new["evidence"]["sha256"],
        new["evidence"]["body_bytes"],
    )
    assert (OLD_CLOSE, NEW_CLOSE) == (old["bar"]["close"], new["bar"]["close"])
    assert raw["close"] != new["bar"]["close"]  # a widened float32, and the decimal that it stands for


def test_findings_on_the_day_are_shown(retold: Path) -> None:
    """A gap is a finding on a day without a row."""
    absent, _ = why(retold, LATE)
    assert [{"effect": "warned", "rule": "GAP", "detail": "got no bar, want one for the session"}] == absent["findings"]
    assert ([], None, None) == (absent["evidence"]["raw"], absent["evidence"]["handed_over"], absent["bar"])


def test_text_shows_the_numbers_and_where_the_rest_is(retold: Path) -> None:
    """Each trace ends with the command that prints its answer."""
    result = look("why", "--ticker", "petr4", "--date", str(CORRECTED), cwd=retold)
    lines = result.out.splitlines()
    assert [f"main events show {seq} --raw" for seq in (1, SECOND_EVIDENCE)] == [
        line.rpartition(": ")[2] for line in lines if line.startswith("  answer ")
    ]
    assert 2 == sum(line.startswith("  accepted ") for line in lines)


def test_a_day_that_nobody_asked_about_exits_3(retold: Path) -> None:
    """Rather than printing nothing."""
    result = look("why", "--ticker", "petr4", "--date", "2020-01-02", cwd=retold)
    assert (3, "error: got no answer for PETR4.SA on 2020-01-02, want at least one") == (
        result.code,
        result.err.splitlines()[0],
    )
