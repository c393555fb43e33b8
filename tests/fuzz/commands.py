"""Command lines run in this process, on a ledger in a folder of its own that is verified along the way."""

import errno
import io
import os
import random
import shutil
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from unittest import mock

import msgspec

from cli import entry
from cli.render import out_file
from cli.root import root
from ledger.store.home import LedgerHome
from tests.faults.tally import Tally
from tests.fuzz import lines
from tests.support import sample_ledger
from tests.support.cli import environment, run_main
from tests.support.oracle import check_home

LONG_ROUNDS = 20_000
VERIFIED_EVERY = 100
CODES = frozenset({0, 1, 2, 3, 130, 143})
USAGE_HINT = "--help\n"
SETTINGS = {
    **sample_ledger.NOW,
    "YAHOO_BASE_URL": "http://127.0.0.1:9",  # nobody is there: no line ever reaches a network
    "ADAPTER_MAX_RETRIES": "0",
    "ADAPTER_TIMEOUT_SECONDS": "1",
    "INGEST_LOCK_TIMEOUT_SECONDS": "1",
}


class Ended(msgspec.Struct, frozen=True):
    """How a line ended and what it said."""

    code: int
    out: bytes
    err: str


def campaign(seed: int, rounds: int, folder: Path, tally: Tally) -> None:
    """Run `rounds` lines; none may end or say anything but what every command may, and the ledger stays intact."""
    template = _template(folder)
    known = [one for one in lines.commands(root) if one[0] != ("test-conn",)]
    for start in range(seed, seed + rounds, VERIFIED_EVERY):
        place = folder / "place"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(template, place, symlinks=True, copy_function=_copied)
        with _inside(place):
            for number in range(start, min(start + VERIFIED_EVERY, seed + rounds)):
                rng = random.Random(number)
                line = lines.made(rng, *rng.choice(known))
                with tally.holding(number, line.words):
                    _held_to_it(line, tally)
        with tally.holding(start, "the ledger after these"):
            check_home(LedgerHome(place / "dados"))
            tally.count("ledgers verified")


def _held_to_it(line: lines.Line, tally: Tally) -> None:
    ended = _run(line.words)
    tally.count(f"exit {ended.code}")
    errors = [said for said in ended.err.splitlines() if said.startswith("error: ")]
    tally.count("refused by the parser" if ended.code == 3 and ended.err.endswith(USAGE_HINT) else "past the parser")
    assert ended.code in CODES, ended
    assert "Traceback" not in ended.err, ended
    assert "internal error" not in ended.err, ended
    assert len(errors) <= max(1, len(line.words)), ended
    assert ended.code != 3 or errors or ended.err or ended.out, ended
    assert not set(ended.err) & set("\x1b\x9b\u202e"), ended


def _run(words: tuple[str, ...]) -> Ended:
    out, err = io.BytesIO(), io.StringIO()
    with (
        mock.patch.object(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8", write_through=True)),
        mock.patch.object(sys, "stderr", err),
        mock.patch.object(sys, "stdin", io.StringIO()),
    ):
        try:
            code = entry.run(list(words))
        finally:
            sys.stdout.flush()
        return Ended(code, out.getvalue(), err.getvalue())


@contextmanager
def _inside(place: Path) -> Iterator[None]:
    # A pipe without a reader is waited for a while on the command line; here nobody ever comes.
    with (
        chdir(place),
        mock.patch.dict(os.environ, environment(SETTINGS), clear=True),
        mock.patch.object(out_file, "READER_S", 0.0),
        mock.patch("cli.commands.ingest.run.command.die_with_parent"),
        mock.patch("cli.commands.ingest.import_cotahist.command.die_with_parent"),
        mock.patch("cli.commands.ingest.import_actions.command.die_with_parent"),
    ):
        yield


def _template(folder: Path) -> Path:
    """Return a folder with the sample's ledger, a backup of it, and files that are and are not what they are called."""
    place = folder / "template"
    place.mkdir()
    sample_ledger.make(place)
    backup = run_main("backup", "--create", "--out", "backup.db", cwd=place, env=sample_ledger.NOW)
    saved = run_main("verify", "--save-head", "head.json", cwd=place, env=sample_ledger.NOW)
    assert (0, 0) == (backup.code, saved.code), (backup, saved)
    whole = (place / "backup.db").read_bytes()
    (place / "cut.db").write_bytes(whole[: len(whole) // 2])
    (place / "tickers.txt").write_text("PETR4\nVALE3 # a comment\n")
    shutil.copy(next((place / "snapshots").glob("PETR4-????????.csv")), place / "bars.csv")
    (place / "A.TXT").write_bytes(b"00COTAHIST.2025" + b"\x1b" * 300)
    (place / "noise").write_bytes(random.Random(1).randbytes(5000))
    (place / "folder").mkdir()
    (place / "link").symlink_to("linked")
    os.mkfifo(place / "pipe")
    return place


def _copied(source: str, target: str) -> str:
    try:
        return shutil.copy2(source, target)
    except shutil.SpecialFileError:
        os.mkfifo(target)
        return target
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return target
