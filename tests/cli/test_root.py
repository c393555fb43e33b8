"""The command line as a whole: what it refuses, how it says so, and what it imports."""

import subprocess
from pathlib import Path

import pytest

from cli.app.lazy_group import CommandEntry
from cli.root import _TABLE, COMMANDS
from tests.support.cli import Result, command, environment, run_code, run_main

SLOW = ("pandas", "numpy", "yfinance", "structlog", "prometheus_client", "dotenv", "logging", "json", "dataclasses")
SLOW += ("shutil", "tempfile", "zoneinfo", "sysconfig")


def refusal(message: str, *, command: str = "main") -> Result:
    """Return how a usage error ends: one line, a hint, exit 3, nothing on stdout."""
    return Result(3, "", f"error: {message}\nhint: {command} --help\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["xyzzy"], "got command 'xyzzy', want one that main --help lists"),
        (["petr4"], "got command 'petr4', want --ticker PETR4.SA"),
        (["confg"], "got command 'confg', want config"),
        (["--tikcer", "PETR4"], "got option --tikcer, want --ticker or --tickers-file"),
        (
            ["--ticker", "../../x"],
            "got ticker '../../x', want a B3 code such as PETR4.SA or an index such as ^BVSP (--ticker)",
        ),
        (["--ticker", "PETR4", "--start", "2024-02-31"], "got '2024-02-31', want a day that exists (--start)"),
        (
            ["--ticker", "PETR4", "--start", "2024-02-02", "--end", "2024-02-01"],
            "got --start 2024-02-02 after --end 2024-02-01, want it on or before",
        ),
        (
            ["--ticker", "PETR4", "--no-network", "--force-refresh"],
            "got --force-refresh with --no-network, want a run that may fetch",
        ),
        (
            ["--ticker", "PETR4", "--no-network", "--start", "2024-02-02"],
            "got --start with --no-network, want a run that may fetch",
        ),
        (
            ["--ticker", "PETR4", "--start", "2024-02-02", "--max-days", "3"],
            "got --start and --max-days, want one of them",
        ),
        (["--ticker", "PETR4", "config"], "got --ticker in front of config, want it after: main config --ticker"),
        (["--ledger", "f", "prices"], "got --ledger in front of prices, want it after: main prices --ledger"),
    ],
)
def test_a_call_that_makes_no_sense_is_one_line_and_exit_3(args: list[str], message: str, tmp_path: Path) -> None:
    """Nothing is written."""
    assert refusal(message) == run_main(*args, cwd=tmp_path)
    assert [] == list(tmp_path.iterdir())


def test_an_unknown_provider_is_refused_by_name(tmp_path: Path) -> None:
    """The ones that exist are named."""
    result = run_main("--ticker", "PETR4", "--provider", "bloomberg", cwd=tmp_path)
    assert 3 == result.code
    assert result.err.startswith("error: got 'bloomberg', want one of 'yfinance', 'b3' (--provider)")
    assert "yfinance" in result.err


@pytest.mark.parametrize("words", [[], ["help"], ["-q", "-C", "."]])
def test_the_program_alone_prints_its_help(words: list[str], tmp_path: Path) -> None:
    """On stdout, exit 0: nobody asked for anything that could not be done."""
    assert run_main("--help", cwd=tmp_path) == run_main(*words, cwd=tmp_path)


def test_options_without_a_ticker_are_refused(tmp_path: Path) -> None:
    """There is something to do, and nothing to do it with."""
    wanted = "got no ticker, want --ticker, --tickers-file or a command"
    assert refusal(wanted) == run_main("--dry-run", cwd=tmp_path)


@pytest.mark.parametrize("name", ["prices", "metrics last-date", "completion"])
def test_help_of_a_command_is_its_help(name: str, tmp_path: Path) -> None:
    """As git has it."""
    assert run_main(*name.split(), "--help", cwd=tmp_path) == run_main("help", *name.split(), cwd=tmp_path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pricse"], "got command 'pricse', want prices or metrics"),
        (["version", "x"], "got 'x' after main version, want no more words"),
    ],
)
def test_help_of_what_is_no_command_is_refused(words: list[str], message: str, tmp_path: Path) -> None:
    """With the closest names."""
    result = run_main("help", *words, cwd=tmp_path)
    assert (3, "", f"error: {message}") == (result.code, result.out, result.err.splitlines()[0])


def test_a_folder_in_front_of_a_command_is_where_it_works(tmp_path: Path) -> None:
    """Before `.env` and any path is read; each is seen from the one before it; one that is not there is refused."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / ".env").write_text("DATA_DIR=here\n")
    result = run_main("-C", "a", "-C", "b", "config", "--format", "json", cwd=tmp_path)
    assert [".env", "here"] == [result.lines()[0]["origin"], result.lines()[0]["value"]]
    assert refusal("got 'No such file or directory' on c, want a folder to work in (-C)") == run_main(
        "-C", "c", "config", cwd=tmp_path
    )


@pytest.mark.parametrize(("flag", "level"), [("-q", "ERROR"), ("-v", "DEBUG")])
def test_quiet_and_verbose_are_log_levels(flag: str, level: str, tmp_path: Path) -> None:
    """An option wins over the environment."""
    result = run_main(flag, "config", "--format", "json", cwd=tmp_path, env={"LOG_LEVEL": "WARNING"})
    (found,) = [one for one in result.lines() if one["name"] == "LOG_LEVEL"]
    assert (level, "option") == (found["value"], found["origin"])


@pytest.mark.parametrize("wrap", [[], ["--array"]])
def test_an_error_is_a_json_object_too_where_json_was_asked_for(wrap: list[str], tmp_path: Path) -> None:
    """Even when the command line itself cannot be parsed."""
    result = run_main("--ticker", "x", "--format", "json", *wrap, cwd=tmp_path)
    message = "got ticker 'x', want a B3 code such as PETR4.SA or an index such as ^BVSP (--ticker)"
    failure = {"status": "error", "error_message": message, "hint": "main --help", "exit_code": 3}
    assert refusal(message).err == result.err
    assert [[failure] if wrap else failure] == result.lines()


def test_a_traceback_shows_only_when_debugging(tmp_path: Path) -> None:
    """And the line and the hint come after it."""
    quiet = run_main("events", cwd=tmp_path)
    loud = run_main("events", cwd=tmp_path, env={"LOG_LEVEL": "DEBUG"})
    assert (3, 3) == (quiet.code, loud.code)
    assert "Traceback" not in quiet.err
    assert loud.err.startswith("Traceback")
    assert loud.err.endswith(quiet.err)


def test_help_names_every_command_and_exit_code(tmp_path: Path) -> None:
    """Without importing one of them."""
    result = run_main("--help", cwd=tmp_path)
    assert (0, "") == (result.code, result.err)
    words = {line.split()[0] for line in result.out.splitlines() if line.strip()}
    assert {entry.name for entry in COMMANDS} | {"0", "1", "2", "3", "130", "143"} <= words


def test_every_command_of_the_table_is_listed_once() -> None:
    """Every folder of commands has a group."""
    assert sorted(name for name, _, _ in _TABLE) == sorted(entry.name for entry in COMMANDS)


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_every_command_in_the_table_loads_and_teaches_by_example(entry: CommandEntry, tmp_path: Path) -> None:
    """Each page has examples and says what its exit codes mean."""
    result = run_main(entry.name, "--help", cwd=tmp_path)
    assert (0, "") == (result.code, result.err)
    wanted = ["Examples:", "Exit codes:"]
    assert wanted == [heading for heading in wanted if heading in result.out]


def test_the_version_is_the_packages(tmp_path: Path) -> None:
    """One line, as other tools print it."""
    result = run_main("--version", cwd=tmp_path)
    assert (0, "b3-ledger") == (result.code, result.out.split()[0])


@pytest.mark.parametrize(
    ("shell", "words", "offered"),
    [("bash", "main con", "plain,config\n"), ("bash", "main config --for", "plain,--format\n")],
)
def test_the_shell_completes_commands_and_options(shell: str, words: str, offered: str, tmp_path: Path) -> None:
    """As the documented completion scripts ask for it."""
    env = {"_MAIN_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    assert Result(0, offered, "") == run_main(cwd=tmp_path, env=env)


@pytest.mark.parametrize(
    "module",
    [
        "cli.root",
        "cli.commands.status.config",
        "cli.commands.evidence.events.command",
        "cli.commands.status.metrics.command",
        "cli.commands.status.logs.command",
        "cli.commands.status.health.command",
        "cli.render.report.page",
    ],
)
def test_a_command_that_reads_imports_nothing_slow(module: str, tmp_path: Path) -> None:
    """Only a command that calls a provider pays for pandas."""
    program = f"import sys\nimport cli.entry, {module}\nprint([name for name in {SLOW!r} if name in sys.modules])"
    assert Result(0, "[]\n", "") == run_code(program, cwd=tmp_path)


def test_help_read_by_half_is_quiet(tmp_path: Path) -> None:
    """A reader that has gone is no error."""
    process = subprocess.Popen(
        command("--help"), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (0, b"") == (process.wait(20), said)
