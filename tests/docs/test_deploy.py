"""deploy/ is true: its commands run, its files are read by their own tools, its metrics are those that we export."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.docs.scenes import SETUPS, serving
from tests.support.cli import REPOSITORY
from tests.support.sample_ledger import look, make
from tests.support.transcript import Step, play

DEPLOY = REPOSITORY / "deploy"
INSTALLED = "/srv/b3-ledger"
MAIN = f"{INSTALLED}/.venv/bin/main"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [path for path in UNITS if path.suffix == ".service"]
TIMERS = [path for path in UNITS if path.suffix == ".timer"]
CRONTAB = (DEPLOY / "cron" / "b3-ledger.crontab").read_text("utf-8")
RULES = DEPLOY / "prometheus" / "b3-ledger.rules.yml"
BOARD = json.loads((DEPLOY / "grafana" / "b3-ledger.json").read_text("utf-8"))
JOBS = re.findall(r"^(?:\S+ +){5}(cd .*)$", CRONTAB, re.MULTILINE)
METRIC = re.compile(r"\bb3ledger_[a-z_]+\b")
# Every line of the rules is one of these, in this order for each rule.
RULE = (
    r"      - alert: (?P<alert>B3Ledger\w+)",
    r"        expr: (?P<expr>[^#{}\"']+)",
    r"        for: \d+[mhd]",
    r"        labels:",
    r"          severity: (?:warning|critical)",
    r"        annotations:",
    r"          summary: \"[^\"\\]+\.\"",
    r"          description: \"[^\"\\]+\.\"",
)
PANEL: dict[str, Any] = {
    "type": "object",
    "required": ["id", "type", "title", "datasource", "gridPos", "fieldConfig", "targets"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "type": {"enum": ["stat", "table", "timeseries"]},
        "title": {"type": "string", "minLength": 1},
        "datasource": {"const": {"type": "prometheus", "uid": "${datasource}"}},
        "gridPos": {
            "required": ["x", "y", "w", "h"],
            "properties": {"x": {"minimum": 0, "maximum": 23}, "w": {"minimum": 1, "maximum": 24}},
        },
        "targets": {"type": "array", "minItems": 1, "items": {"required": ["refId", "expr", "legendFormat"]}},
    },
}


def value(unit: Path, name: str) -> list[str]:
    """Return what a unit file gives for a directive, every time it does."""
    return re.findall(rf"^{name}=(.*)$", unit.read_text("utf-8"), re.MULTILINE)


def commands(unit: Path) -> list[str]:
    """Return the words after `main` of every command of ours that a unit starts."""
    return [line.partition(f"{MAIN} ")[2] for line in value(unit, "ExecStart") if MAIN in line]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What Prometheus scrapes of a ledger in service."""
    folder = tmp_path_factory.mktemp("page")
    make(folder)
    for args in (("backup", "--create"), ("verify", "--record")):
        assert 0 == look(*args, cwd=folder).code
    return look("metrics", "--format", "prometheus", cwd=folder).out


@pytest.fixture(scope="module")
def exported(page: str) -> set[str]:
    """The names of every metric that we export."""
    return set(re.findall(r"^# TYPE (\S+) ", page, re.MULTILINE))


def test_the_scheduled_commands_run(tmp_path: Path) -> None:
    """Cron's and systemd's, in the folder that they name, in their order; in a ledger that is well they say nothing."""
    of_units = [f"cd {INSTALLED} && main {words} > /dev/null" for unit in SERVICES for words in commands(unit)]
    lines = [line for one in (JOBS, of_units) for line in sorted(one, key=lambda line: "must-exist" not in line)]
    assert (7, 8) == (len(JOBS), len(of_units))
    with serving(tmp_path) as scene:
        # The backups of two schedulers at one stopped instant would have one name.
        script = [Step(line.replace(INSTALLED, str(scene.cwd)), ()) for line in lines]
        script.insert(len(JOBS), Step("rm backups/*", ()))
        went = play(script, cwd=scene.cwd, env=scene.env)
    assert [(step.command, 0, ()) for step in script] == [(step.command, step.code, step.shown) for step in went]


@pytest.mark.parametrize(
    ("scene", "job", "code", "words"),
    [
        ("limited", "carteira", 1, "error: PETR4.SA: rate-limit: 429 Too Many Requests"),
        ("unreachable", "carteira", 1, "error: PETR4.SA: connection: "),
        ("dirty", "carteira", 1, "warning: "),
        ("nonsense", "carteira", 2, "error: PETR4.SA: bad-answer: THRESHOLD"),
        ("late", "alerts", 2, "critical: ingest.lag PETR4.SA: got 259200s since its last ingest"),
        ("altered-snapshot", "snapshot", 2, "error: checked 2 events and 2 files: 3 ok, 1 mismatch"),
        ("tampered", "verify", 2, "critical: tampered at seq 3: "),
        ("rolled-back", "alerts", 2, "critical: verdict.bad: got a log of 7 events"),
        ("unreadable", "backup --create", 2, "error: got a file cut to"),
        ("empty", "carteira", 3, "error: got no ledger in"),
    ],
)
def test_crons_mail_tells(scene: str, job: str, code: int, words: str, tmp_path: Path) -> None:
    """Of each failure of the runbook: what is left on stderr is the mail, and none means that all is well."""
    (line,) = (line for line in JOBS if f" {job}" in line or f"{job}.txt" in line)
    with SETUPS[scene](tmp_path) as made:
        (made.cwd / "carteira.txt").write_text("PETR4.SA\nVALE3.SA\n")
        command = line.replace(INSTALLED, str(made.cwd)).replace("carteira.txt", "carteira.txt --jobs 1")
        (went,) = play([Step(command, ())], cwd=made.cwd, env={"LOG_LEVEL": "ERROR", **made.env})
    assert (code, True) == (went.code, any(line.startswith(words) for line in went.shown)), went


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_a_warning_is_no_failure(unit: Path) -> None:
    """A failure has somebody who hears of it, and every job a time by which it is over."""
    assert ["oneshot"] == value(unit, "Type")
    assert value(unit, "SuccessExitStatus") in (["1"], ["1 2"])
    assert 1 == len(value(unit, "TimeoutStartSec"))
    assert ("failed@" in unit.name) is not bool(value(unit, "OnFailure"))
    assert commands(unit)


def test_every_timer_has_its_service() -> None:
    """And every service but the one for failures its timer."""
    services = {path.stem for path in SERVICES} - {"b3-ledger-failed@"}
    assert services == {path.stem for path in TIMERS}
    assert services == {f"b3-ledger-{job}" for job in ("run", "backup", "verify", "alerts")}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_reads_its_units(tmp_path: Path) -> None:
    """With our program where there is one."""
    for unit in UNITS:
        text = unit.read_text("utf-8").replace(MAIN, "/bin/true").replace("/usr/bin/logger", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    names = [str(tmp_path / unit.name) for unit in UNITS]
    done = subprocess.run(["systemd-analyze", "verify", *names], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    for timer in TIMERS:
        (when,) = value(timer, "OnCalendar")
        assert 0 == subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, check=False).returncode


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_reads_the_rules_and_the_page(page: str) -> None:
    """Prometheus' own checks, linting included."""
    rules = subprocess.run(["promtool", "check", "rules", str(RULES)], capture_output=True, text=True, check=False)
    assert 0 == rules.returncode, rules.stderr
    metrics = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert (0, "") == (metrics.returncode, metrics.stderr)


def test_every_metric_in_rules_and_board_is_one_that_we_export(exported: set[str]) -> None:
    """A rule over a name that nobody writes never fires."""
    for text in (RULES.read_text("utf-8"), json.dumps(BOARD)):
        named = set(METRIC.findall(text))
        assert len(named) >= 9
        assert set() == named - exported


def test_the_rules_are_rules() -> None:
    """Line by line; no two of one name, brackets closed."""
    head, lines = RULES.read_text("utf-8").splitlines()[:4], RULES.read_text("utf-8").splitlines()[4:]
    assert ["groups:", "  - name: b3-ledger", "    rules:"] == head[1:]
    assert 0 == len(lines) % len(RULE)
    found = [re.fullmatch(RULE[number % len(RULE)], line) for number, line in enumerate(lines)]
    assert [] == [line for line, match in zip(lines, found, strict=True) if match is None]
    names = [match["alert"] for match in found[:: len(RULE)] if match]
    exprs = [match["expr"] for match in found[1 :: len(RULE)] if match]
    assert len(names) == len(set(names)) == len(exprs)
    assert [] == [expr for expr in exprs if expr.count("(") != expr.count(")")]


def test_the_board_is_one_of_grafanas() -> None:
    """Each panel whole, beside the others; each with the data source that is chosen."""
    panels = BOARD["panels"]
    validator = jsonschema.Draft202012Validator(PANEL)
    assert [] == [error.message for panel in panels for error in validator.iter_errors(panel)]
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len(panels) == len({panel["id"] for panel in panels})
    assert ["datasource"] == [variable["name"] for variable in BOARD["templating"]["list"]]


def test_the_runbook_shows_the_crontab() -> None:
    """Word for word."""
    runbook = (REPOSITORY / "docs" / "operations" / "runbook.md").read_text("utf-8")
    assert [CRONTAB] == re.findall(r"^```cron\n(.*?)^```$", runbook, re.MULTILINE | re.DOTALL)


def test_commands_are_whole_words() -> None:
    """What systemd starts is split as a shell would."""
    for unit in SERVICES:
        assert all(shlex.split(words) == words.split() for words in commands(unit))
