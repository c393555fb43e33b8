"""Write the old ledger of the tests, by the software of then: `python -m tests.support.make_old_ledger --tree DIR`.

    git worktree add /tmp/old 264d81f && cd /tmp/old && poetry install

The command line of the checkout in DIR is run in a process of its own, against a server on loopback and over
synthetic files of the exchange, until every type of event that version 0.1.0 knows is in the log; its own
`backup --create` makes the archive. Ids are random, so each run makes other bytes: they are made once and kept.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from ledger.market.sessions import sessions
from ledger.values import Window
from tests.support import cotahist, yahoo_series
from tests.support.cli import REPOSITORY
from tests.support.yahoo_series import Series
from tests.support.yahoo_server import Html, Status, YahooServer

FOLDER = REPOSITORY / "tests" / "vectors" / "ledger-0.1.0"
TICKER, OTHER = "PETR4.SA", "VALE3.SA"
DAYS = sessions(Window(date(2025, 9, 1), date(2026, 2, 13)))
SHOWN = {  # what version 0.1.0 prints of it, for later versions to print as well
    "adjusted": ("prices", "--ticker", TICKER, "--adjusted"),
    "as-of": ("prices", "--ticker", TICKER, "--adjusted", "--as-of", "17"),
    "cotahist": ("prices", "--ticker", TICKER, "--source", "cotahist"),
    "actions": ("actions", "--ticker", TICKER),
    "revisions": ("revisions", "--ticker", TICKER),
    "validation": ("validation", "--ticker", TICKER),
}
RETRIES = {"ADAPTER_MAX_RETRIES": "0"}


class OldTree:
    """The command line of another checkout, at work in a folder."""

    def __init__(self, tree: Path, folder: Path, server: YahooServer) -> None:
        """Run the software in `tree` with `folder` as its working directory."""
        self._python = tree / ".venv" / "bin" / "python"
        self._tree, self.folder, self._server = tree, folder, server

    def main(self, *args: str, day: date, codes: frozenset[int] = frozenset({0, 1}), **env: str) -> str:
        """Run `main` on `args` on the evening of `day` and return what it prints; its exit code is one of `codes`."""
        now = datetime(day.year, day.month, day.day, 22, 0, tzinfo=UTC)
        self._server.now = now
        given = {"B3_LEDGER_NOW": f"{now:%Y-%m-%dT%H:%M:%SZ}", "YAHOO_BASE_URL": self._server.url, **env}
        done = subprocess.run(
            [self._python, "-m", "cli", *args],
            cwd=self.folder,
            env=_environment(self._tree, given),
            capture_output=True,
            text=True,
            check=False,
        )
        sys.stderr.write(f"{day} main {' '.join(args)}: {done.returncode}\n{done.stderr}")
        if done.returncode not in codes:
            raise SystemExit(f"got exit {done.returncode}, want one of {sorted(codes)}")
        return done.stdout


def main() -> None:
    """Make the archive of an old ledger and put it among the vectors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path, required=True, help="The checkout of version 0.1.0, with its .venv.")
    tree: Path = parser.parse_args().tree.resolve()
    with tempfile.TemporaryDirectory() as name, YahooServer() as server:
        folder = Path(name)
        old = OldTree(tree, folder, server)
        _ingest(old, server)
        _break(old, server)
        _import(old)
        _back_up(old)
        FOLDER.mkdir(parents=True, exist_ok=True)
        old.main("backup", "--create", "--out", str(FOLDER / "ledger.db"), day=DAYS[-1])
        for title, args in SHOWN.items():
            shown = old.main(*args, "--format", "json", day=DAYS[-1])
            (FOLDER / f"{title}.ndjson").write_text(shown, "utf-8")
    sys.stderr.write(f"{FOLDER / 'ledger.db'}: {(FOLDER / 'ledger.db').stat().st_size} bytes\n")


def _ingest(old: OldTree, server: YahooServer) -> None:
    """Dividends, a correction, a row taken back, rejected rows, a split that rescales, an action taken back."""
    whole = yahoo_series.make_series(DAYS, seed=1)
    paid = yahoo_series.dividend(whole, DAYS[30], 0.5)
    other = yahoo_series.correct(yahoo_series.make_series(DAYS, seed=2, close=60.0), DAYS[12], close=None)
    server.series = {TICKER: _until(paid, DAYS[60]), OTHER: _until(other, DAYS[60])}
    old.main("--ticker", TICKER, "--ticker", OTHER, "--jobs", "1", "--max-days", "365", day=DAYS[60])
    late = yahoo_series.correct(paid, DAYS[58], volume=1_234_500)
    late = yahoo_series.withdraw(late, DAYS[59])
    server.series[TICKER] = _until(late, DAYS[64])
    old.main("--ticker", TICKER, day=DAYS[64])
    parted = yahoo_series.dividend(yahoo_series.split(late, DAYS[80], 2), DAYS[78], 0.228)
    server.series = {TICKER: _until(parted, DAYS[82]), OTHER: _until(other, DAYS[82])}
    old.main("--ticker", TICKER, "--ticker", OTHER, "--jobs", "1", day=DAYS[82])
    server.series[TICKER] = _until(msgspec.structs.replace(parted, dividends=parted.dividends[1:]), DAYS[90])
    old.main("--ticker", TICKER, "--force-refresh", "--max-days", "365", day=DAYS[90])


def _until(series: Series, last: date) -> Series:
    return msgspec.structs.replace(
        series,
        days=tuple(day for day in series.days if day.date <= last),
        dividends=tuple(paid for paid in series.dividends if paid[0] <= last),
        splits=tuple(split for split in series.splits if split[0] <= last),
    )


def _break(old: OldTree, server: YahooServer) -> None:
    """Failed attempts, a probe, a locked ticker, a snapshot that cannot be written, a rejected answer."""
    server.faults[TICKER] = [Status(code=500)]
    old.main("--ticker", TICKER, day=DAYS[91], codes=frozenset({2}), **RETRIES)
    server.faults[TICKER] = [Html(times=None)]
    old.main("--ticker", TICKER, day=DAYS[91], codes=frozenset({2}), **RETRIES)
    server.faults.clear()
    old.main("test-conn", "--provider", "yfinance", day=DAYS[91], codes=frozenset({0, 1, 2}))
    lock = old.folder / "dados" / "locks" / f"{TICKER}.lock"
    with subprocess.Popen(["flock", lock, "sh", "-c", "echo held; read line"], stdin=-1, stdout=-1) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        locked = {"INGEST_LOCK_TIMEOUT_SECONDS": "0"}
        old.main("--ticker", TICKER, day=DAYS[91], codes=frozenset({3}), **locked)
        holder.communicate(b"\n")
    (old.folder / "no-folder").write_bytes(b"")
    old.main("--ticker", TICKER, day=DAYS[91], codes=frozenset({2}), SNAPSHOT_DIR="no-folder")
    known = server.series[TICKER]
    server.series[TICKER] = msgspec.structs.replace(known, currency="USD")
    old.main("--ticker", TICKER, day=DAYS[92], codes=frozenset({2}))
    server.series[TICKER] = known


def _import(old: OldTree) -> None:
    """Two files of the exchange, the second with one price mended."""
    days = DAYS[40:60]
    for number, close in enumerate((3_000, 3_001)):
        lines = [cotahist.line(day, code, close if day == days[3] else 2_900) for day in days for code in ("PETR4",)]
        path = old.folder / f"COTAHIST_A{2025 + number}.TXT"
        cotahist.write(path, cotahist.whole(lines, year=2025), member="COTAHIST.TXT")
        old.main("import-cotahist", path.name, day=DAYS[92 + number])


def _back_up(old: OldTree) -> None:
    """A backup, one that fails, a rollback to the first, an older folder put in place and accepted."""
    old.main("backup", "--create", "--out", "first.db", day=DAYS[94])
    old.main("backup", "--create", "--out", "no-folder/second.db", day=DAYS[94], codes=frozenset({2, 3}))
    old.main("test-conn", "--provider", "yfinance", day=DAYS[95], codes=frozenset({0, 1, 2}))
    old.main("backup", "--restore", "--from", "first.db", "--rollback", "--yes", day=DAYS[95])
    old.main("backup", "--create", "--out", "no-folder/third.db", day=DAYS[95], codes=frozenset({2, 3}))
    current = old.folder / "dados" / (old.folder / "dados" / "CURRENT").read_text("ascii").strip()
    kept = old.folder / "kept.mdb"
    shutil.copyfile(current / "data.mdb", kept)
    old.main("test-conn", "--provider", "yfinance", day=DAYS[96], codes=frozenset({0, 1, 2}))
    os.replace(kept, current / "data.mdb")
    (current / "lock.mdb").unlink()
    old.main("accept-head", "--reason", "an older file was put in place", "--yes", day=DAYS[96])
    old.main("backup", "--create", "--out", "fourth.db", day=DAYS[96])
    old.main("--ticker", TICKER, day=DAYS[97])


def _environment(tree: Path, given: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**inherited, "PYTHONPATH": str(tree), "LOG_LEVEL": "ERROR", **given}


if __name__ == "__main__":
    main()
