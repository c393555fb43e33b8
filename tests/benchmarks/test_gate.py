"""A run is held against recorded ratios: a third worse is named and ends with 1, anything less does not."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from tests.benchmarks import __main__ as program
from tests.benchmarks import gate
from tests.benchmarks.gate import HeldRatio, RecordedRun
from tests.benchmarks.measure import Ratio
from tests.benchmarks.report import Section
from tests.support.cli import REPOSITORY

RECORDED = REPOSITORY / "tests" / "benchmarks" / "recorded.json"


def section(ratio: float, name: str = "restore") -> Section:
    """Return a section with one ratio."""
    rounds = (ratio / 2, ratio, ratio * 2)
    one = Ratio(what="archive, 1,000 small", name=name, peer="bare puts", rounds=rounds, want=0.9)
    return Section(title="A section", timings=(), ratios=(one,), limits=())


@pytest.mark.parametrize(
    ("now", "worse"), [(0.9, False), (2.0, False), (0.61, False), (0.6, True), (0.1, True), (None, True)]
)
def test_a_third_is_worse(now: float | None, worse: bool) -> None:
    """Exactly a third, more than that, and a ratio that is gone."""
    assert worse is HeldRatio(name="x", recorded=0.9, now=now).worse


def test_every_recorded_ratio_is_held_the_worst_first() -> None:
    """One that was not recorded yet is none to hold; one that is gone comes first."""
    rows = gate.held({"a": 1.0, "b": 1.0, "c": 1.0, "d": 0.5}, {"a": 0.9, "b": 0.5, "d": 0.6, "new": 0.1})
    assert [("c", None), ("b", 0.5), ("a", 0.9), ("d", 0.6)] == [(row.name, row.now) for row in rows]
    assert [
        "| ratio | recorded | now | change | |",
        "|---|---|---|---|---|",
        "| c | 1.000 | not measured |  | **worse** |",
        "| b | 1.000 | 0.500 | -50% | **worse** |",
        "| a | 1.000 | 0.900 | -10% |  |",
        "| d | 0.500 | 0.600 | +20% |  |",
    ] == list(gate.table(rows))


def test_a_ratio_is_known_by_what_it_is_of() -> None:
    """The median round counts."""
    name = "archive, 1,000 small: restore / bare puts"
    assert {name: 0.9, name.replace("restore", "verify"): 2.0} == gate.ratios([section(0.9), section(2.0, "verify")])


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[float], None]:
    """Have the program measure this from now on."""
    monkeypatch.chdir(tmp_path)

    def to_be(ratio: float) -> None:
        parts = {"archives": lambda _: [section(ratio)], "never": lambda _: pytest.fail("not asked for")}
        monkeypatch.setattr(program, "_parts", lambda: parts)

    return to_be


def test_a_run_is_recorded_and_held(measured: Callable[[float], None], tmp_path: Path) -> None:
    """The same parts of the same size; exit code 1 with the table that says which."""
    measured(0.9)
    done = CliRunner().invoke(program.main, ["--part", "archives", "--events", "20000", "--record", "r.json"])
    assert 0 == done.exit_code, done.output
    made = gate.read(tmp_path / "r.json")
    ratios = {"archive, 1,000 small: restore / bare puts": 0.9}
    assert (("archives",), False, 20_000, ratios) == (made.parts, made.quick, made.events, made.ratios)
    for ratio, code in ((0.9, 0), (0.7, 0), (0.59, 1)):
        measured(ratio)
        done = CliRunner().invoke(program.main, ["--gate", "r.json"])
        assert code == done.exit_code, done.output
        assert (code == 1) is ("| -34% | **worse** |" in done.output)
    assert [tmp_path / "r.json"] == list(tmp_path.iterdir())


@pytest.mark.parametrize("more", [["--quick"], ["--events", "20000"], ["--part", "archives"], ["--waited"]])
def test_the_run_that_was_recorded_is_the_one_to_repeat(more: list[str], measured: Callable[[float], None]) -> None:
    """Ratios of a short ledger say nothing of those of a long one."""
    measured(0.9)
    assert 2 == CliRunner().invoke(program.main, ["--gate", str(RECORDED), *more]).exit_code


def test_what_is_waited_is_not_recorded(measured: Callable[[float], None], tmp_path: Path) -> None:
    """It is another ratio, and no busy machine comes to it again; measured alone it is."""
    measured(0.9)
    assert 2 == CliRunner().invoke(program.main, ["--waited", "--record", "r.json"]).exit_code
    assert [] == list(tmp_path.iterdir())
    assert 0 == CliRunner().invoke(program.main, ["--waited", "--part", "archives"]).exit_code


@pytest.mark.parametrize("ratios", [{}, {"a": 0.0}, {"a": -1.0}])
def test_what_holds_no_ratios_is_refused(ratios: dict[str, float], tmp_path: Path) -> None:
    """It would let anything pass."""
    made = RecordedRun(made_on="2026-01-01", machine="m", parts=(), quick=False, events=10_000, ratios=ratios)
    (tmp_path / "r.json").write_bytes(msgspec.json.encode(made))
    with pytest.raises(ValueError, match="want ratios above 0"):
        gate.read(tmp_path / "r.json")
    (tmp_path / "r.json").write_bytes(b"{}")
    with pytest.raises(msgspec.ValidationError):
        gate.read(tmp_path / "r.json")


def test_what_is_recorded_here_can_be_repeated() -> None:
    """Its parts are parts of the program, each has a ratio, and none of it is of a quick run."""
    recorded = gate.read(RECORDED)
    assert set(recorded.parts) <= set(program._parts())
    assert (False, True) == (recorded.quick, recorded.events >= 100_000)
    kinds = {name.split(",")[0] for name in recorded.ratios}
    assert {"folded aside", "archive asked", "backup", "archive"} <= kinds
