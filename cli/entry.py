"""The console scripts `main` and `b3-ledger`: a supervised run of the command line."""

import gc
import os
import sys
import warnings
from typing import NoReturn

from cli.app.supervisor import SIGNALLED, Terminated, supervise

NAMES = ("main", "b3-ledger")
SIGINT = 2
# Start-up makes tens of thousands of objects that all stay: looked through every 700, as is Python's default, they
# cost a quick command 5 ms. So many small objects more may now wait to be freed, a few megabytes.
GC_OBJECTS = 50_000


def main() -> NoReturn:
    """Run the command line on this process's arguments and end with its exit code."""
    gc.set_threshold(GC_OBJECTS)
    # As a person reads a warning: without the place in the code that issues it.
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
    supervise(lambda: run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Return the exit code of the command line on `args`: an error becomes its line, a closed pipe is quiet."""
    try:
        return _invoke(args)
    except Terminated as order:
        return SIGNALLED + order.signum
    except KeyboardInterrupt:
        return SIGNALLED + SIGINT
    except BrokenPipeError:
        from cli.app import output

        # Help read by `head`: click prints it, so the closed pipe comes out here.
        output.hang_up()
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: a person gets one line, whatever broke
        from cli.app import exits

        return exits.report(error, args)


def _invoke(args: list[str]) -> int:
    """Return what the command returned.

    click's own `main` is left to shell completion: it would turn a closed pipe into exit 1 and
    hide which signal ended the run.
    """
    import click

    from cli.root import root

    name = _name()
    if f"_{name.replace('-', '_').upper()}_COMPLETE" in os.environ:
        root.main(args, prog_name=name)
    try:
        with root.make_context(name, list(args)) as context:
            result = root.invoke(context)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.Abort as abort:
        raise KeyboardInterrupt from abort
    return result if isinstance(result, int) else 0


def _name() -> str:
    called = os.path.basename(sys.argv[0])
    return called if called in NAMES else NAMES[0]


if __name__ == "__main__":
    main()
