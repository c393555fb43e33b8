"""A page is typed as it stands, and what differs from it shows."""

from pathlib import Path

import pytest

from tests.support.transcript import Step, fits, play, steps

PAGE = """\
Words, and a block of another kind:

```sh
$ false
```

```console
$ printf 'a\\nb\\n'
a
b
$ ls none
ls: cannot access 'none': No such file or directory
[exit 2]
$ true
```

A command over two lines:

```console
$ echo one \\
> two
one two
$ cat <<END
> a
>
> b
> END
a

b
```
"""
SCRIPT = [
    Step("printf 'a\\nb\\n'", ("a", "b")),
    Step("ls none", ("ls: cannot access 'none': No such file or directory",), 2),
    Step("true", ()),
    Step("echo one \\\ntwo", ("one two",)),
    Step("cat <<END\na\n\nb\nEND", ("a", "", "b")),
]


def test_console_blocks_are_steps() -> None:
    """Command, output and exit code; blocks of other kinds are left alone."""
    assert SCRIPT == steps(PAGE)


def test_a_true_page_is_played_as_it_stands(tmp_path: Path) -> None:
    """Stdout and stderr alike."""
    assert SCRIPT == play(SCRIPT, cwd=tmp_path)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (Step("echo a", ("b",)), Step("echo a", ("a",))),
        (Step("echo a", ()), Step("echo a", ("a",))),
        (Step("true", ("a",)), Step("true", ())),
        (Step("(exit 3)", (), 2), Step("(exit 3)", (), 3)),
        (Step("false", ()), Step("false", (), 1)),
        (Step("(exit 3)", ()), Step("(exit 3)", (), 3)),
    ],
)
def test_what_differs_shows(expected: Step, actual: Step, tmp_path: Path) -> None:
    """Another line, a line more or less, another exit code."""
    assert [actual] == play([expected], cwd=tmp_path)


def test_a_step_that_ends_the_shell_ends_the_play(tmp_path: Path) -> None:
    """The steps after it are missing from what was played."""
    script = [Step("echo a", ("a",)), Step("exit 4", (), 4), Step("echo b", ("b",))]
    assert script[:2] == play(script, cwd=tmp_path)


def test_a_page_is_one_sitting(tmp_path: Path) -> None:
    """What one command changes in the shell holds for the next; settings of this process do not."""
    script = [
        Step("mkdir inner && cd inner && export PLACE=here", ()),
        Step("echo $PLACE ${PWD##*/} $DATA_DIR $BACKUP_DIR", ("here inner there",)),
    ]
    assert script == play(script, cwd=tmp_path, env={"DATA_DIR": "there"})


def test_main_is_the_code_under_test(tmp_path: Path) -> None:
    """A command of its own, so that others can start it."""
    script = [Step("env DATA_DIR=none main replay 2>&1 | head -1", ("error: got no ledger in <path>, want one",))]
    assert script == play(script, cwd=tmp_path)


@pytest.mark.parametrize(
    ("expected", "line", "agrees"),
    [
        ("at <time>", "at 2026-02-13T23:00:00Z", True),
        ("at <time>", "at 2026-02-13T23:00:00.123456Z", True),
        ("backup-<time>.db", "backup-20260213T230000Z.db", True),
        ("at <time>", "at 2026-02-13", False),
        ("in <duration>", "in 12ms", True),
        ("in <duration>", "in 0.25 s", True),
        ('"sec":<duration>}', '"sec":0.25}', True),
        ("in <duration>", "in no time", False),
        ("job <id>", "job 019c5a3e-7a00-7abc-8def-0123456789ab", True),
        ("job <id>", "job 019c5a3e", False),
        ("pid <pid>", "pid 12", True),
        ("pid <pid>", "pid x", False),
        ("<bytes> of <bytes> bytes", "43008 of 86016 bytes", True),
        ("<bytes> bytes", "some bytes", False),
        ("<hash>  a.csv", f"{'0a' * 32}  a.csv", True),
        ("<hash>  a.csv", f"{'0a' * 7}  a.csv", False),
        ("<hash>  a.csv", f"{'0a' * 33}  a.csv", False),
        ("in <path>, want", "in /tmp/x/y, want", True),
        ("in <path>, want", "in x/y, want", False),
        ("a.b", "axb", False),
        ("<other>", "<other>", True),
    ],
)
def test_a_wildcard_stands_for_one_kind_of_thing(expected: str, line: str, agrees: bool) -> None:
    """All else is word for word."""
    assert agrees is fits(expected, line)


def test_output_before_a_command_is_refused() -> None:
    """It is a mistake in the page."""
    with pytest.raises(ValueError, match="got 'a' at the start of a console block"):
        steps("```console\na\n```\n")
