"""Lines and small files with something wrong in them: each reader returns a value or raises the error that it names."""

import os
import random
from collections.abc import Callable
from contextlib import chdir
from datetime import date
from pathlib import Path

from cli.app import settings
from cli.app.errors import BarsFileError
from cli.app.settings import SettingError
from cli.commands.evidence.validate import bars_file
from cli.commands.trust.verify import saved_head
from ledger.errors import CotahistError
from ledger.files.checksum import parse_checksum, render_checksum
from ledger.ingest import ticker_lock
from ledger.ingest.providers.cotahist import file, layout
from ledger.ingest.providers.cotahist.identity import identity
from ledger.ingest.providers.cotahist.layout import LayoutError
from tests.faults.tally import Tally
from tests.fuzz import junk
from tests.support.cotahist import line, text

LONG_ROUNDS = 100_000
QUOTE = line(date(2025, 11, 3))
COTAHIST = text([QUOTE, line(date(2025, 11, 4), close=3800)])
HEADER = layout.header(COTAHIST.splitlines(keepends=True)[0])
BARS = b"date,open,high,low,close,volume\n2025-11-03,10,11,9,10,100\n2025-11-04,10.5,11.25,9,10,100\n"
DOTENV = b"# a comment\nLOG_LEVEL=INFO\nexport ADAPTER_MAX_RETRIES=3\nPRICE_SOURCES='yfinance,cotahist'\n"
HEAD = b'{"ledger_id":"01a22750-47d7-73a3-8c4e-6bd5d05366b7","size":4,"head":"%s","saved_at":"2026-11-29T12:38:25Z"}\n'
HOLDER = b'{"ticker":"PETR4.SA","pid":42,"job_id":"01a22750-47d7-73a3-8c4e-6bd5d05366b7","since":1764590400000000}'


def campaign(seed: int, rounds: int, folder: Path, tally: Tally) -> None:
    """Hand `rounds` spoilt lines and files to their readers."""
    with chdir(folder):
        for number in range(seed, seed + rounds):
            rng = random.Random(number)
            name, sound, read, errors = rng.choice(READERS)
            content = junk.spoiled(rng, sound)
            with tally.holding(number, (name, content[:300])):
                try:
                    read(content)
                    tally.count(f"{name}: read")
                except errors:
                    tally.count(f"{name}: refused")


def _quote(content: bytes) -> None:
    layout.session(content, HEADER)
    layout.quote(content)
    identity(content)
    layout.raw_bars(content)


def _cotahist(content: bytes) -> None:
    with file.opened(_put("A.TXT", content)) as known:
        for batch in known.batches():
            for _, quote in batch:
                layout.quote(quote)
        assert known.window


def _dotenv(content: bytes) -> None:
    _put(".env", content)
    try:
        settings.load()
    finally:
        os.unlink(".env")


def _holder(content: bytes) -> None:
    ticker_lock._read(_put("PETR4.SA.holder", content))


def _put(name: str, content: bytes) -> Path:
    path = Path(name)
    path.write_bytes(content)
    return path


Reader = Callable[[bytes], object]

READERS: tuple[tuple[str, bytes, Reader, tuple[type[Exception], ...]], ...] = (
    ("COTAHIST line", QUOTE, _quote, (LayoutError,)),
    ("COTAHIST file", COTAHIST, _cotahist, (CotahistError, LayoutError)),
    ("CSV of bars", BARS, lambda content: bars_file.read(_put("bars.csv", content)), (BarsFileError,)),
    (".env", DOTENV, _dotenv, (SettingError,)),
    ("saved head", HEAD % (b"ab" * 32), saved_head.parse, (ValueError,)),
    (".checksum", render_checksum(bytes(32), "A.db"), parse_checksum, (ValueError,)),
    (".holder", HOLDER, _holder, ()),
)
