"""The console scripts `main` and `b3-ledger`: a supervised run of the command line."""

import gc
import os
import signal
import sys
import warnings
from typing import NoReturn

from cli.app import standard_streams
from cli.app.supervisor import SIGNALLED, Terminated, supervise

NAMES = ("main", "b3-ledger")
SIGINT = 2
EXPLAINED = (1, 2)  # exit codes that want a line on stderr
# Start-up allocates tens of thousands of objects that live to the end, a long series as many again: collecting after
# every 700, Python's default, costs a quick command 5 ms, and once behind both 15. At most this many dead objects now
# wait to be freed, a few megabytes.
GC_OBJECTS = 100_000


def main() -> NoReturn:
    """Run the command line on this process's arguments and exit with its exit code."""
    standard_streams.settle()
    gc.set_threshold(GC_OBJECTS)
    # As a person reads a warning: without the place in the code that issues it.
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
    supervise(lambda: run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Return the exit code of the command line on `args`; an error is printed as one line, a closed pipe as nothing."""
    try:
        return _invoke(args)
    except Terminated as order:
        return _ended(signal.Signals(order.signum).name, SIGNALLED + order.signum)
    except KeyboardInterrupt:
        from cli.terminal import bar

        bar.begin_line()
        return _ended("Ctrl-C", SIGNALLED + SIGINT)
    except BrokenPipeError:
        from cli.app import output

        # Help is printed by click itself, so `main --help | head -1` ends here.
        output.hang_up()
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: a person gets one line, whatever broke
        from cli.app import exits

        return exits.report(error, args)


def _ended(by: str, exit_code: int) -> int:
    from cli.app import output

    output.say(f"error: ended by {by} before it was finished; what is recorded stays, and no file is left half written")
    return exit_code


def _invoke(args: list[str]) -> int:
    """Return the command's exit code; a large file that it is to read is hashed from here on, beside all that follows.

    Raises: what a command raises.
    """
    if not any(word.startswith("--ledger") for word in args):
        return _parsed_and_run(args)
    from cli.context import early_hash

    early_hash.begin(args)
    try:
        return _parsed_and_run(args)
    finally:
        early_hash.end()


def _parsed_and_run(args: list[str]) -> int:
    """Return the command's exit code.

    click's own `main` serves shell completion only: it would turn a closed pipe into exit 1 and
    hide which signal ended the run.
    """
    import click

    from cli.app import output
    from cli.root import root

    name = program_name()
    if f"_{name.replace('-', '_').upper()}_COMPLETE" in os.environ:
        root.main(args, prog_name=name)
    for word in args:
        if not word.isascii() and word != word.encode(errors="replace").decode():
            raise click.UsageError(f"got {word!r}, want UTF-8")
    try:
        with root.make_context(name, list(args)) as context:
            result = root.invoke(context)
            if (error := output.lost()) is not None:
                if not result:
                    raise error
                output.warn_of(error)
            if result in EXPLAINED:
                from cli.app import exits

                exits.explain(result, f"main {context.invoked_subcommand or ''}".strip())
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.Abort as abort:
        raise KeyboardInterrupt from abort
    return result if isinstance(result, int) else 0


def program_name() -> str:
    """Return the console script that was called, as usage lines print it; `main` for any other name."""
    called = os.path.basename(sys.argv[0])
    return called if called in NAMES else NAMES[0]


if __name__ == "__main__":
    main()
