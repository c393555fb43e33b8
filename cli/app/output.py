"""The one file that prints.

Data goes to stdout, words go to stderr; a pipe sees no bar, no colour and no word between its lines.
On a terminal a bar, a log line and a result never share a line, and what is longer than the screen goes to a pager.
Text is for people: one line per fact. JSON is one object per line; `--array` wraps the lines into one array.
A reader that has seen enough (`| head -1`) ends the printing quietly and leaves the exit code to the command.
An error is one lower-case line, `error: got X, want Y`, then `hint: ` and something that can be pasted.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from cli.render import renderers
from cli.render import table as tables
from cli.render.escaping import escaped_lines
from cli.render.renderers import CSV, JSON, PARQUET, PROMETHEUS, TEXT, Format, Layout
from cli.render.table import TableColumn
from cli.terminal import bar, pager
from ledger.urls import masked

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])

STDOUT = Path("-")
STDOUT_FD = 1
PATIENCE_S = 1.0
# How words of each kind are coloured on a terminal, by what they begin with.
COLOURS = {"error:": "red", "critical:": "red", "warning:": "yellow", "hint:": "cyan"}


class StdoutError(OSError):
    """Stdout takes nothing more, and it is no pipe whose reader has seen enough."""


class Words(msgspec.Struct, frozen=True):
    """What is to be said on stderr, as `say` takes it."""

    words: str
    explains: bool


class Style(msgspec.Struct, frozen=True):
    """How data is printed: as text, as JSON lines, as JSON lines inside one array, or in a format of other tools."""

    format: Format = "text"
    array: bool = False


def style_options(command: F) -> F:
    """Give `command` the options `--format` and `--array`; it receives them as its `style`."""
    return _styled(command, (TEXT, JSON), "Text for people, or one JSON object a line.")


def metrics_style_options(command: F) -> F:
    """Give `command` what `style_options` does, and the format that Prometheus scrapes."""
    return _styled(command, (TEXT, JSON, PROMETHEUS), "Text, one JSON object a line, or what Prometheus scrapes.")


def csv_style_options(command: F) -> F:
    """Give `command` what `style_options` does, and CSV."""
    return _styled(command, (TEXT, JSON, CSV), "Text for people, one JSON object a line, or CSV.")


def table_style_options(command: F) -> F:
    """Give `command` what `style_options` does, CSV and Parquet."""
    return _styled(command, (TEXT, JSON, CSV, PARQUET), "Text, one JSON object a line, CSV, or Parquet.")


def _styled(command: F, formats: tuple[Format, ...], purpose: str) -> F:
    as_array = click.option(
        "--array",
        is_flag=True,
        is_eager=True,  # settled before `--format`, whose callback makes the style of both
        expose_value=False,
        callback=lambda context, _, value: context.meta.update({_ARRAY: value}),
        help="JSON, all lines in one array.",
    )
    as_format = click.option(
        "--format",
        "style",
        type=click.Choice(formats),
        default=TEXT,
        show_default=True,
        callback=lambda context, _, value: Style(JSON, array=True) if context.meta.get(_ARRAY) else Style(value),
        help=purpose,
    )
    return as_format(as_array(command))


def show(
    rows: Iterable[T],
    style: Style,
    *,
    text: Callable[[T], str],
    table: Sequence[TableColumn[T]] = (),
    live: bool = False,
    none: str = "nothing to show",
) -> None:
    """Print `rows` on stdout: `text` of each, or each as JSON; rows are taken one at a time.

    With `table`, a terminal shows its columns instead, once all rows are there.

    Ends quietly, taking no more rows, when the reader has closed the pipe. Where there is no row,
    stderr says `none`, if that is not empty.
    `live` as in `give`.
    """
    some = False

    def noticed() -> Iterator[T]:
        nonlocal some
        for row in rows:
            some = True
            yield row

    give(rendered(noticed(), style, Layout(lines=lines(text, table))), live=live)
    if not some and none:
        say(none, explains=False)


def lines(text: Callable[[T], str], table: Sequence[TableColumn[T]]) -> Callable[[Iterable[T]], Iterable[str]]:
    """Return what makes lines of rows: `text` of each, or on a terminal the columns of `table`, if it has any."""
    width = terminal_width()
    return partial(tables.lines, columns=table, width=width) if table and width is not None else partial(map, text)


def terminal_width(out: Path | None = None) -> int | None:
    """Return the columns of the terminal that `give` prints on, None where that is none."""
    return bar.columns_of(sys.stdout) if is_stdout(out) and sys.stdout.isatty() else None


def report(
    rows: Iterable[T],
    style: Style,
    *,
    text: Callable[[T], str],
    table: Sequence[TableColumn[T]] = (),
    none: str = "nothing to show",
) -> None:
    """Print `rows` as `show` does, for a command that did more than print: a full stdout costs it no more than rows.

    What could not be printed is said on stderr, and the exit code stays the command's own.
    """
    with unprinted():
        show(rows, style, text=text, table=table, live=True, none=none)


def report_done(work: Iterable[T], style: Style, *, text: Callable[[T], str]) -> list[T]:
    """Print rows as `report` does, each as soon as `work` yields it, and return them all.

    Where nobody reads on, the work is done all the same.
    """
    rows, waiting = list[T](), iter(work)

    def done() -> Iterator[T]:
        for row in waiting:
            rows.append(row)
            yield row

    report(done(), style, text=text)
    rows.extend(waiting)
    return rows


@contextmanager
def unprinted() -> Iterator[None]:
    """Say on stderr, and no more, that stdout takes no more of what the block prints: the command is not about that."""
    before = len(_LOST)
    yield
    if _LOST[before:]:
        warn_of(_LOST[before])
        del _LOST[before:]


def lost() -> StdoutError | None:
    """Return why stdout took no more of what the command printed, None where it took all or that is not what counts.

    The command goes on: its exit code may say more than its rows.
    """
    return _LOST[0] if _LOST else None


def warn_of(error: StdoutError) -> None:
    """Say on stderr that rows could not be printed."""
    say(f"warning: got {error.strerror!r} on stdout, want a place for the rows", explains=False)


def rendered(rows: Iterable[T], style: Style, layout: Layout[T]) -> Iterable[bytes]:
    """Return `rows` in the style asked for, piece by piece; see `cli.render.renderers`."""
    return renderers.rendered(rows, layout, style.format, array=style.array)


def give(chunks: Iterable[bytes], out: Path | None = None, *, live: bool = False) -> None:
    """Print `chunks` on stdout (`out` None, `-`, or a name of stdout itself), or make the file `out` hold them.

    On a terminal they go through a pager where they are longer than the screen, unless they are `live`.

    Raises: DiskFullError; UnwritableError.
    """
    if is_stdout(out):
        if live or out is not None or not pager.pages(chunks):
            _write(chunks)
        return
    assert out is not None  # noqa: S101 - None is stdout
    # Imported here: most runs write no file.
    from cli.render import out_file

    out_file.write(out, b"".join(chunks))


def is_stdout(out: Path | None) -> bool:
    """Return whether `out` is stdout: None, `-`, or a name such as /dev/stdout of what stdout is open on."""
    if out is None or out == STDOUT:
        return True
    with suppress(OSError):
        return os.path.samestat(out.stat(), os.fstat(STDOUT_FD))
    return False


def refuse_terminal(context: click.Context, style: Style, out: Path | None) -> None:
    """Refuse to print on a terminal what only programs read."""
    if style.format == PARQUET:
        refuse_bytes(context, "--format parquet", out)


def refuse_bytes(context: click.Context, what: str, out: Path | None) -> None:
    """Refuse to print `what` on a terminal, where `out` is stdout and that is one."""
    if terminal_width(out) is not None:
        context.fail(f"got {what} on a terminal, want --out with a file")


def raw(data: bytes) -> None:
    """Print `data` on stdout, byte for byte."""
    _write([data])


def say(words: str, *, explains: bool = True) -> None:
    """Print words on stderr; what is harmful in them is escaped, what a URL hides is masked.

    Where nobody listens, the exit code still speaks.

    `explains` says that they are about how the command ends.
    """
    if _HELD_BACK:
        _HELD_BACK[-1].append(Words(words, explains))
        return
    context = click.get_current_context(silent=True)
    if context is not None and explains:
        context.meta[_EXPLAINED] = True
    kind, space, rest = escaped_lines(masked(words)).partition(" ")
    with suppress(OSError), bar.above():
        if kind in COLOURS and bar.may_draw():
            kind = click.style(kind, fg=COLOURS[kind], bold=True)
        click.echo(f"{kind}{space}{rest}", err=True)


@contextmanager
def held_back(words: list[Words]) -> Iterator[None]:
    """Have what the block says put into `words`, for who says it once it is known to hold."""
    _HELD_BACK.append(words)
    try:
        yield
    finally:
        _HELD_BACK.remove(words)


def explained() -> bool:
    """Return whether words on stderr say why the command that runs ends as it does."""
    return _EXPLAINED in click.get_current_context().meta


def began() -> bool:
    """Return whether anything was printed on stdout."""
    return bool(_BEGAN)


def hang_up() -> None:
    """Print nothing more on stdout, what is still buffered neither."""
    # What is still buffered must go somewhere, or the interpreter complains of it on its way out.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@contextmanager
def progress(items: Iterable[T], *, label: str, length: int | None = None) -> Iterator[Iterable[T]]:
    """Give `items` back, with a bar on stderr as they are taken, where stderr is a terminal.

    Where `length` is not given, the items are counted.
    """
    if not _draws():
        yield items
        return
    if length is None:
        items = list(items)
        length = len(items)
    with bar.drawn(label, length) as shown:
        yield bar.counted(items, shown)


@contextmanager
def meter(label: str, length: int | None) -> Iterator[Callable[[int], None] | None]:
    """Give a function to call with how many more things of `length` are done; None where no bar is shown.

    A bar on stderr; where the length is unknown, words if it takes more than a second.
    """
    if length is None or not _draws():
        with still_working(f"{label} …"):
            yield None
        return
    with bar.drawn(label, length) as shown:
        yield shown.advance


def _draws() -> bool:
    context = click.get_current_context(silent=True)
    return bar.may_draw() and not (context and context.meta.get(QUIET))


@contextmanager
def still_working(words: str) -> Iterator[None]:
    """Say `words` once, where stderr is a terminal, if the block takes more than a second."""
    if not sys.stderr.isatty():
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda *_: say(words, explains=False))
    signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def asked_for_json(args: Sequence[str]) -> Style | None:
    """Return the JSON style that `args` ask for, None where they ask for text.

    Looks at the words alone, so that even a command line that cannot be parsed is answered in JSON.
    """
    array = "--array" in args
    if array or "--format=json" in args or ("--format", JSON) in pairwise(args):
        return Style(JSON, array)
    return None


_ARRAY = f"{__name__}.array"
# Whether `-q` stands in front of the command, in click's context.
QUIET = f"{__name__}.quiet"
# Holds something once anything was printed on stdout.
_BEGAN: list[bool] = []
# What kept stdout from taking what was printed, where printing is all that was asked for.
_LOST: list[StdoutError] = []
_EXPLAINED = f"{__name__}.explained"
# Where words go while it is not known whether they hold.
_HELD_BACK: list[list[Words]] = []


def _write(chunks: Iterable[bytes]) -> None:
    out = sys.stdout.buffer
    for chunk in chunks:
        _BEGAN[:] = [True]
        try:
            with bar.above():
                out.write(chunk)
                if bar.may_draw():
                    out.flush()
        except OSError as error:
            return _give_up(error)
    try:
        out.flush()
    except OSError as error:
        return _give_up(error)


def _give_up(error: OSError) -> None:
    hang_up()
    if error.errno != errno.EPIPE:
        _LOST.append(StdoutError(error.errno, error.strerror))
