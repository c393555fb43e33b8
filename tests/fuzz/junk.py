"""Values that nobody would type and files that nobody would write."""

import random
from typing import Any

WORDS = (
    "", " ", "-", "--", "--help", "x", "é", "日本", "a b", "a\tb", "a\nb", "\x1b[2J", "\u202ex", "%s%n", "$(true)",
    "{command}", "'", '"', "\\", "../x", "./x", "a" * 300, "0", "-1", "1e999", "nan", "inf", "-inf", "9" * 19,
    "9" * 400, "9" * 5000, "0x10", "1_000", "١٢", "0000-01-01", "0001-01-01", "9999-12-31", "2025-02-30",
    "2025-11-03T12:00:00", "2025-11-03T12:00:00+99:00", "10000-01-01",
    "PETR4.SA.SA", "^", "^BVSP", "petr4", "null", "[]", "{}", "\udcff",
    "http://u:p@h/?q", "yfinance,", "yfinance,yfinance",
)  # fmt: skip
NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 2**31, 2**63 - 1, 2**63, -(2**63), 10**30, -(10**30), 10**400, 0.0, -0.0, 1e-320, 1e308, -1e308, 0.1, 1.5,
    253402300800, -62135596800, -62135596801, True,
)  # fmt: skip
OTHERS: tuple[Any, ...] = (
    None,
    "",
    "x",
    [],
    {},
    [None],
    {"x": 1},
    [[]],
    "9" * 5000,
    "A" * 6000,
    "A/../x",
    "\x00",
)


def value(rng: random.Random, before: Any) -> Any:
    """Return a JSON value where `before` was, most often one of its kind."""
    if rng.random() < 0.8:
        if isinstance(before, float):
            return rng.choice([before * 10, before / 100, before + 0.01, -before, 0.0, 1e-7, 1e12, None, float(2**62)])
        if isinstance(before, int):
            return rng.choice([before + 1, before * 2, -before, 0, 86_400 * rng.randint(-800_000, 3_000_000)])
        if isinstance(before, str):
            return rng.choice(WORDS)
    return rng.choice(NUMBERS if rng.random() < 0.6 else OTHERS)


def spoiled(rng: random.Random, content: bytes) -> bytes:
    """Return `content` with a few of its bytes changed, left out, doubled or cut off."""
    spoilt = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(spoilt) + 1)
        match rng.randrange(6):
            case 0:
                del spoilt[at : at + rng.randint(1, 8)]
            case 1:
                spoilt[at:at] = rng.randbytes(rng.randint(1, 4))
            case 2:
                spoilt[at:at] = rng.choice(WORDS).encode(errors="surrogateescape")
            case 3:
                spoilt[at : at + 1] = bytes([rng.randrange(256)])
            case 4:
                spoilt[at:at] = spoilt[at : at + rng.randint(1, 40)]
            case _:
                del spoilt[rng.choice([at, len(spoilt)]) :]
    return bytes(spoilt)


def replaced(rng: random.Random, node: Any) -> Any:
    """Return JSON with one value somewhere in it replaced, removed or nested without end."""
    if isinstance(node, dict) and node and rng.random() < 0.9:
        name = rng.choice(list(node))
        if rng.random() < 0.1:
            return {other: node[other] for other in node if other != name}
        return {**node, name: replaced(rng, node[name])}
    if isinstance(node, list) and node and rng.random() < 0.9:
        at = rng.randrange(len(node))
        if rng.random() < 0.05:
            return node[:at]
        return [*node[:at], replaced(rng, node[at]), *node[at + 1 :]]
    if rng.random() < 0.02:
        deep: Any = 1
        for _ in range(300):
            deep = [deep]
        return deep
    return value(rng, node)
