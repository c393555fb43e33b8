"""The main job: every ticker worked on, several at once, one row each, and one exit code for all."""

import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import NoReturn

from cli.app import output
from cli.app.exit_codes import Exit
from cli.app.logging_setup import Logged
from cli.app.settings import Settings
from cli.app.supervisor import ORDERS, SIGNALLED, Terminated, die_with_parent, leave
from cli.commands.ingest.run import row as run_row
from cli.commands.ingest.run.options import RunOptions
from cli.commands.ingest.run.row import RunRow
from cli.commands.ingest.run.setup import prepared
from cli.commands.ingest.run.worker import TickerWorker
from cli.terminal import bar

RECORDING_S = 2.0  # at most, between a signal and the end


def run(settings: Settings, options: RunOptions) -> Exit:
    """Run the main job for every ticker, print a row each in the order asked for, and return the exit code.

    A signal ends it at once: what is at work is recorded as interrupted, what was durable stays.
    """
    die_with_parent()
    rows: list[RunRow] = []

    def finished(future: Future[RunRow]) -> RunRow:
        rows.append(future.result())
        return rows[-1]

    with (
        prepared(settings, options) as setup,
        closing(TickerWorker(setup, snapshot_dir=settings.snapshot_dir, observer=Logged(settings))) as worker,
    ):
        ended = worker.retired(options.listed)
        if ended:
            output.say(run_row.left_out(ended))
        tickers = [ticker for ticker in options.tickers if ticker not in {one.ticker for one in ended}]
        if not tickers:
            return Exit.OK
        with ThreadPoolExecutor(max_workers=min(options.jobs, len(tickers))) as executor:
            try:
                futures = [executor.submit(worker.work, ticker) for ticker in tickers]
                with output.progress(futures, label="tickers", length=len(futures)) as waiting:
                    output.report(map(finished, waiting), options.style, text=run_row.text)
                # Where nobody read on, the work is done all the same.
                rows.extend(future.result() for future in futures[len(rows) :])
            except KeyboardInterrupt as order:
                executor.shutdown(wait=False, cancel_futures=True)
                _end(worker, order, tickers)
    for line in run_row.complaints(rows):
        output.say(line)
    return run_row.exit_code(rows, unable=worker.unable)


def _end(worker: TickerWorker, order: KeyboardInterrupt, tickers: Sequence[str]) -> NoReturn:
    # However late a second one comes, it must not undo the record of the first.
    for signum in ORDERS:
        signal.signal(signum, signal.SIG_IGN)
    at_work = worker.at_work()
    # Another process may hold the writer lock for longer than a person waits.
    recording = threading.Thread(target=worker.interrupt, daemon=True)
    recording.start()
    recording.join(RECORDING_S)
    if not isinstance(order, Terminated):
        bar.begin_line()
    for line in run_row.undone(tickers, at_work, worker.ended(), recorded=not recording.is_alive()):
        output.say(line)
    # Threads that wait for a provider cannot be interrupted; the log is whole at any instant, so none is waited for.
    leave(SIGNALLED + (order.signum if isinstance(order, Terminated) else signal.SIGINT))
