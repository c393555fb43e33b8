"""Files of the exchange damaged at random, in the ways that files are: bytes, lines, ends, fields, archives."""

import random
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from ledger.market.sessions import shift
from tests.support.cotahist import line, text

FIRST = date(2025, 1, 2)
FIELDS = ((0, 2), (2, 10), (10, 12), (12, 24), (24, 27), (49, 52), (52, 56), (56, 69), (95, 108), (108, 121))
MORE_FIELDS = ((121, 147), (147, 152), (152, 170), (170, 188), (202, 210), (210, 217), (230, 242), (242, 245))
CODES = ("PETR4", "VALE3", "PETR4F", "BBASA45", "PETR4T", "ZSEMNUM", "ITSA4", "XPBR31")
MARKETS = {"PETR4F": "020", "BBASA45": "070", "PETR4T": "030"}


def sound(rng: random.Random) -> list[bytes]:
    """Return the lines of a small sound file, header and trailer too."""
    quotes = []
    for number in range(rng.randrange(1, 8)):
        day = shift(FIRST, number)
        for code in CODES[: rng.randrange(1, len(CODES) + 1)]:
            market = MARKETS.get(code, "010")
            expiry = f"{FIRST + timedelta(days=30):%Y%m%d}" if market == "070" else "99991231"
            term = "030" if market == "030" else ""
            quotes.append(line(day, code, rng.randrange(1000, 1100), market=market, expiry=expiry, term=term))
    return text(quotes).splitlines(keepends=True)


def byte_changed(rng: random.Random, lines: list[bytes]) -> list[bytes]:
    """Change one byte somewhere."""
    place = rng.randrange(len(lines))
    changed = bytearray(lines[place])
    changed[rng.randrange(len(changed))] = rng.choice((rng.randrange(256), *b" 0919\r\n\0"))
    return [*lines[:place], bytes(changed), *lines[place + 1 :]]


def field_changed(rng: random.Random, lines: list[bytes]) -> list[bytes]:
    """Fill a field of a line with something else."""
    place, (first, stop) = rng.randrange(len(lines)), rng.choice(FIELDS + MORE_FIELDS)
    fill = rng.choice((b"0", b"9", b" ", b"1", b"A", b"-", b"\xe9", b"\r"))
    changed = lines[place][:first] + fill * (stop - first) + lines[place][stop:]
    return [*lines[:place], changed, *lines[place + 1 :]]


def byte_lost(rng: random.Random, lines: list[bytes]) -> list[bytes]:
    """Leave a byte out."""
    place = rng.randrange(len(lines))
    at = rng.randrange(len(lines[place]))
    return [*lines[:place], lines[place][:at] + lines[place][at + 1 :], *lines[place + 1 :]]


def byte_added(rng: random.Random, lines: list[bytes]) -> list[bytes]:
    """Put a byte in."""
    place = rng.randrange(len(lines))
    at = rng.randrange(len(lines[place]) + 1)
    return [
        *lines[:place],
        lines[place][:at] + rng.choice((b"0", b"\n", b"\r", b" ")) + lines[place][at:],
        *lines[place + 1 :],
    ]


def line_lost(rng: random.Random, lines: list[bytes]) -> list[bytes]:
    """Leave a line out."""
    place = rng.randrange(len(lines))
    return [*lines[:place], *lines[place + 1 :]]


def line_doubled(rng: random.Random, lines: list[bytes]) -> list[bytes]:
    """Say a line twice."""
    place = rng.randrange(len(lines))
    return [*lines[: place + 1], *lines[place:]]


def lines_swapped(rng: random.Random, lines: list[bytes]) -> list[bytes]:
    """Let two lines change places."""
    changed, one, other = list(lines), rng.randrange(len(lines)), rng.randrange(len(lines))
    changed[one], changed[other] = changed[other], changed[one]
    return changed


def end_changed(rng: random.Random, lines: list[bytes]) -> list[bytes]:
    """End a line, or all of them, as other systems do."""
    end = rng.choice((b"\n", b"", b"\r", b"\r\n\r\n"))
    chosen = rng.choice((range(len(lines)), [rng.randrange(len(lines))], [len(lines) - 1]))
    return [one[:245] + end if place in chosen else one for place, one in enumerate(lines)]


def cut(rng: random.Random, lines: list[bytes]) -> list[bytes]:
    """End the file early."""
    whole = b"".join(lines)
    return [whole[: rng.randrange(len(whole))] or b"0"]


def more(rng: random.Random, lines: list[bytes]) -> list[bytes]:
    """Let something follow the trailer."""
    return [*lines, rng.choice((b"\n", b" ", b"\x1a", lines[-1], lines[len(lines) // 2]))]


DAMAGES: tuple[Callable[[random.Random, list[bytes]], list[bytes]], ...] = (
    *(byte_changed, field_changed, byte_lost, byte_added, line_lost, line_doubled, lines_swapped, end_changed, cut),
    *(more, field_changed, field_changed, byte_changed),
)


def damaged(seed: int, folder: Path) -> Path:
    """Return a file that was damaged once or twice, one in eight in its archive; the same for the same seed."""
    rng = random.Random(seed)
    lines = sound(rng)
    in_archive = rng.random() < 1 / 8
    if not in_archive:
        for _ in range(rng.choice((1, 1, 2))):
            lines = rng.choice(DAMAGES)(rng, lines) or [b""]
        path = folder / f"{seed}.TXT"
        path.write_bytes(b"".join(lines))
        return path
    path = folder / f"{seed}.ZIP"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("COTAHIST.TXT", b"".join(lines))
    whole = bytearray(path.read_bytes())
    whole[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
    path.write_bytes(whole[: rng.randrange(1, len(whole))] if rng.random() < 0.2 else whole)
    return path
