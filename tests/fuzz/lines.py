"""Command lines made of click's own parameters, most of them values of their type and some of them junk."""

import random
from collections.abc import Iterator

import click
import msgspec

from cli.context import params
from tests.fuzz import junk

JUNK_SHARE = 0.02  # of values: the rest are of their type, so that most lines get past the parser
OPTION_SHARE = 0.22
DEFAULTS: dict[type, tuple[str, ...]] = {
    params.TickerType: ("PETR4", "ITUB4.SA", "VALE3", "BBAS3", "XXXX3", "^BVSP"),
    params.DateType: ("2024-02-14", "2025-06-30", "2026-02-13", "1990-01-01", "2099-12-31"),
    params.UpToType: ("0", "3", "6", "999999", "2026-02-13", "2026-02-13T12:00:00Z"),
    params.SinceType: ("0", "3", "2026-02-13", "2026-02-13T12:00:00Z"),
    params.SpanType: ("2026-02-13", "2026-02-13T12:00:00Z", "1970-01-01"),
    params.TickersFileType: ("tickers.txt", "pipe", "missing", "bars.csv"),
    params.FolderType: ("exported", "missing/deep", "bars.csv"),
    params.SecondsType: ("0.1", "1"),
}
# What is fit to be read or written comes up more often.
GOOD_INPUTS = ("bars.csv", "backup.db", "head.json", "A.TXT")
INPUTS = (*GOOD_INPUTS, *GOOD_INPUTS, "cut.db", "noise", "pipe", "missing", "link", "folder")
# Nobody is there.
NAMED = {
    "ratio": ("2:1", "1:10"),
    **dict.fromkeys(("timestamp", "witness", "webhook", "ping"), ("http://127.0.0.1:9/x",)),
}
GOOD_OUTPUTS = ("-", "out.csv", "out.svg", "out.db")
OUTPUTS = (*GOOD_OUTPUTS, *GOOD_OUTPUTS, "link", "missing/x", "folder", "pipe")


class Line(msgspec.Struct, frozen=True):
    """The words after `main`."""

    words: tuple[str, ...]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command below `group`, those that are groups and jobs at once too, with the words that name it."""
    if not path:  # the only one that does something by itself
        yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        elif command is not None:
            yield (*path, name), command


def made(rng: random.Random, path: tuple[str, ...], command: click.Command) -> Line:
    """Return a line that calls `command` with some of its parameters."""
    words = list(path) if path else ["--no-network"]
    # `--ticker` before the ticker that stands for it.
    for parameter in sorted(command.params, key=lambda one: one.name == "alone"):
        wanted = parameter.required or (not path and parameter.name == "tickers")
        if not wanted and rng.random() > OPTION_SHARE:
            continue
        if isinstance(parameter, click.Argument):
            # A ticker that stands alone is refused beside another one: that much is tried often enough with one.
            alone = parameter.name == "alone"
            if alone and "--ticker" in words:
                continue
            count = 1 if alone or parameter.nargs == 1 else rng.randint(parameter.required, 2)
            words += [_value(rng, parameter) for _ in range(count)]
        elif isinstance(parameter, click.Option) and parameter.name not in {"help", "version"}:
            words.append(rng.choice(parameter.opts))
            if not parameter.is_flag:
                words.append(_value(rng, parameter))
    if rng.random() < 0.02:
        words.insert(rng.randrange(len(words) + 1), rng.choice(junk.WORDS))
    return Line(tuple(words))


def _value(rng: random.Random, parameter: click.Parameter) -> str:
    kind = parameter.type
    if rng.random() < JUNK_SHARE:
        return rng.choice(junk.WORDS)
    if values := NAMED.get(parameter.opts[0].removeprefix("--")):
        return rng.choice(values)
    for known, values in DEFAULTS.items():
        if isinstance(kind, known):
            return rng.choice(values)
    if isinstance(kind, click.Choice):
        return str(rng.choice(list(kind.choices)))
    if isinstance(kind, click.IntRange):
        return str(rng.randint(int(kind.min or 0), min(int(kind.max or 9), int(kind.min or 0) + 9)))
    is_output = parameter.name in {"out", "save_head"}
    return rng.choice(OUTPUTS if is_output else INPUTS)
