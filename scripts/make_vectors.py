"""Write the test vectors of docs/format.md into tests/vectors/: `python scripts/make_vectors.py`.

The bodies are put together by hand from the format's own words, not by the code under test;
the tests then hold the code to them.
"""

import json
import struct
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from blake3 import blake3

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "vectors"
LEDGER_ID = bytes.fromhex("0190163d9c007abc8def0123456789ab")
RECORDED_AT = 1_771_029_296_000_000  # 2026-02-14T00:34:56Z


def text(value: str) -> bytes:
    """Return a MessagePack string of up to 255 bytes."""
    raw = value.encode()
    return (bytes([0xA0 | len(raw)]) if len(raw) < 32 else bytes([0xD9, len(raw)])) + raw


def binary(value: bytes) -> bytes:
    """Return a MessagePack bin of up to 255 bytes."""
    return bytes([0xC4, len(value)]) + value


def unsigned(value: int) -> bytes:
    """Return a MessagePack unsigned integer in its shortest form."""
    for limit, prefix, form in ((1 << 7, b"", ">B"), (1 << 8, b"\xcc", ">B"), (1 << 16, b"\xcd", ">H")):
        if value < limit:
            return prefix + struct.pack(form, value)
    return b"\xce" + struct.pack(">I", value) if value < 1 << 32 else b"\xcf" + struct.pack(">Q", value)


def table(pairs: dict[str, bytes]) -> bytes:
    """Return a MessagePack map of up to 15 encoded values."""
    return bytes([0x80 | len(pairs)]) + b"".join(text(name) + value for name, value in pairs.items())


def body(
    seq: int, append_id: bytes, tag: str, data: bytes, *, job_id: bytes = LEDGER_ID, recorded_at: int = RECORDED_AT
) -> bytes:
    """Return a stored envelope of the stream `ledger`, without a cause, recorded `seq` behind `recorded_at`."""
    parts = [
        unsigned(seq),
        unsigned(recorded_at + seq),
        binary(append_id),
        binary(job_id),
        b"\xc0",
        text("ledger"),
        text(tag),
        data,
    ]
    return b"\x98" + b"".join(parts)


def natural(key: str) -> bytes:
    """Return an append id: the job's time, then the hash of the natural key."""
    return LEDGER_ID[:6] + blake3(key.encode()).digest()[:10]


TESTED = {
    "provider": text("yfinance"),
    "started_at": unsigned(RECORDED_AT),
    "finished_at": unsigned(RECORDED_AT + 120_000),
    "status": text("ok"),
    "latency_ms": unsigned(120),
    "error_kind": b"\xc0",
    "message": b"\xc0",
}


def bodies() -> list[bytes]:
    """Return the bodies of a log of three events."""
    created = table(
        {"ledger_id": binary(LEDGER_ID), "kind": text("real"), "software": text("b3-ledger 0.1.0")},
    )
    refused = TESTED | {
        "status": text("rate-limited"),
        "error_kind": text("rate-limit"),
        "message": text("429 Too Many Requests — São Paulo"),
    }
    return [
        body(0, natural("ledger.created"), "ledger.created/1", created),
        body(1, natural("connection/1"), "connection.tested/1", table(TESTED)),
        body(2, natural("connection/2"), "connection.tested/1", table(refused)),
    ]


def chain() -> dict[str, Any]:
    """Return the chain vector: the genesis link, then each body and the link after it."""
    link = genesis = blake3(b"b3-ledger chain v1").digest()
    events = []
    for seq, stored in enumerate(bodies()):
        link = blake3(link + stored).digest()
        events.append({"seq": seq, "body": stored.hex(), "link": link.hex()})
    return {"genesis": genesis.hex(), "events": events}


def anchor() -> dict[str, object]:
    """Return the anchor vector: two heads and the 128 bytes that remember them."""
    events = chain()["events"]
    heads = [{"size": event["seq"] + 1, "link": event["link"]} for event in events[-2:]]
    file = b"".join(slot(head["size"], bytes.fromhex(head["link"])) for head in heads)
    return {"slots": heads, "file": file.hex(), "newest": heads[-1]}


def chained(stored: Sequence[bytes]) -> list[bytes]:
    """Return the frames of an archive of the bodies `stored`: length, link, body."""
    link, frames = blake3(b"b3-ledger chain v1").digest(), []
    for one in stored:
        link = blake3(link + one).digest()
        frames.append(struct.pack(">I", len(one)) + link + one)
    return frames


def archives() -> dict[str, tuple[bytes, str, int, int | None]]:
    """Return archives by name: the file, its verdict, the events that hold, the first bad seq."""
    log = bodies()
    frames = chained(log)
    one, two, three = frames
    header = b"b3-ledger archive 1\n"
    whole = header + one + two + three
    flipped = bytes([whole[-1] ^ 1])
    longer_seq = b"\x98\xcc\x01" + log[1][2:]
    earlier = log[2].replace(unsigned(RECORDED_AT + 2), unsigned(RECORDED_AT), 1)
    caused = log[1].replace(b"\xc0" + text("ledger"), unsigned(1) + text("ledger"), 1)
    created_again = b"\x98\x01" + log[0][2:].replace(unsigned(RECORDED_AT), unsigned(RECORDED_AT + 1), 1)
    return {
        "whole": (whole, "intact", 3, None),
        "one-event": (header + one, "intact", 1, None),
        "cut-between-frames": (header + one + two, "intact", 2, None),
        "cut-before-event-0": (header, "truncated", 0, 0),
        "cut-in-length": (header + one + two + three[:3], "truncated", 2, 2),
        "cut-in-link": (header + one + two[:20], "truncated", 1, 1),
        "cut-before-body": (header + one + two[:36], "truncated", 1, 1),
        "cut-in-body": (header + one[:-1], "truncated", 0, 0),
        "length-past-the-end": (header + one + two + b"\x00\x00\xff\xff" + three[4:], "truncated", 2, 2),
        "length-over-the-limit": (header + one + b"\x01\x00\x00\x01" + two[4:] + three, "tampered", 1, 1),
        "length-too-short": (header + one + struct.pack(">I", len(log[1]) - 1) + two[4:] + three, "tampered", 1, 1),
        "changed-link": (header + one + two[:4] + bytes(32) + two[36:] + three, "tampered", 1, 1),
        "changed-body": (whole[:-1] + flipped, "tampered", 2, 2),
        "removed": (header + one + three, "tampered", 1, 1),
        "doubled": (header + one + two + two + three, "tampered", 2, 2),
        "swapped": (header + one + three + two, "tampered", 1, 1),
        "zeros-behind": (whole + bytes(64), "tampered", 3, 3),
        "empty-body": (header + b"".join(chained([log[0], b""])), "tampered", 1, 1),
        "seq-of-another-place": (header + b"".join(chained([log[0], log[2]])), "tampered", 1, 1),
        "seq-not-in-shortest-form": (header + b"".join(chained([log[0], longer_seq])), "tampered", 1, 1),
        "time-goes-back": (header + b"".join(chained([*log[:2], earlier])), "tampered", 2, 2),
        "cause-of-itself": (header + b"".join(chained([log[0], caused, log[2]])), "tampered", 1, 1),
        "another-creation": (header + b"".join(chained([log[0], created_again])), "tampered", 1, 1),
        "no-event": (header + b"".join(chained([log[0], b"\x98\x01\xc1"])), "tampered", 1, 1),
        "another-first-event": (header + b"".join(chained([b"\x98\x00" + log[1][2:]])), "tampered", 0, 0),
        "empty": (b"", "unreadable", 0, None),
        "cut-in-header": (header[:-1], "unreadable", 0, None),
        "foreign": (b"SQLite format 3\x00" + bytes(48), "unreadable", 0, None),
        "newer": (b"b3-ledger archive 2\n" + one, "newer", 0, None),
    }


def meaning() -> dict[str, tuple[bytes, str, int, int | None]]:
    """Return archives whose chain holds, by name, as `archives` does: what an event means decides."""
    created, tested, _ = bodies()

    def second(data: dict[str, bytes], tag: str = "connection.tested/1", **fields: Any) -> bytes:
        return body(1, natural("connection/1"), tag, table(TESTED | data), **fields)

    too_many = unsigned(1 << 63)
    bad = {
        "count-past-its-range": second({"latency_ms": too_many}),
        "count-below-zero": second({"latency_ms": b"\xff"}),
        "count-in-a-float": second({"latency_ms": b"\xcb" + struct.pack(">d", 120)}),
        "time-past-year-9999": second({"finished_at": unsigned(253_402_300_800_000_000)}),
        "recorded-past-year-9999": second({}, recorded_at=253_402_300_799_999_999),
        "one-of-others": second({"status": text("fine")}),
        "text-in-bytes": second({"provider": binary(b"yfinance")}),
        "text-not-in-utf-8": second({"message": b"\xa1\xff"}),
        "nil-where-none-may-be": second({"provider": b"\xc0"}),
        "field-too-many": second({"more": b"\xc0"}),
        "field-missing": body(1, natural("connection/1"), "connection.tested/1", table({"provider": text("yfinance")})),
        "data-that-is-no-map": body(1, natural("connection/1"), "connection.tested/1", b"\xc0"),
        "job-id-of-fifteen-bytes": second({}, job_id=LEDGER_ID[:15]),
        "bytes-behind-the-event": tested + b"\xc0",
        "type-that-is-none": second({}, tag="connection tested"),
    }
    of_later = chained([created, second({}, tag="connection.tested/2")])
    header = b"b3-ledger archive 1\n"
    false_head = b"".join(chained(claims()["head-ahead"][0]))
    later = struct.pack(">I", 1) + bytes(33)
    return {
        "head-ahead-in-a-cut-archive": (header + false_head + later[:-1], "forked", 3, 2),
        "head-ahead-of-a-changed-link": (header + false_head + later, "tampered", 3, 3),
        **{name: (header + b"".join(chained([created, one])), "tampered", 1, 1) for name, one in bad.items()},
        "event-of-a-later-version": (header + b"".join(of_later), "newer", 1, 1),
        **{name: (header + b"".join(chained(log)), *found) for name, (log, *found) in claims().items()},
    }


def claims() -> dict[str, tuple[list[bytes], str, int, int | None]]:
    """Return logs of events that record a head of their own log, as `archives` has them: bodies in place of a file."""
    log = bodies()[:2]
    links = [bytes.fromhex(event["link"]) for event in chain()["events"]]
    counts = {"archive_bytes": unsigned(480), "sha256": binary(bytes(32)), "types": array()}
    told = {
        "backup.created/1": {"name": text("a.db"), **counts, "tickers": array()},
        "backup.created/2": {
            "name": text("a.db"),
            **counts,
            "providers": array(),
            "streams": unsigned(0),
            "streams_hash": binary(bytes(32)),
        },
        "backup.restored/1": {
            "name": text("a.db"),
            "sha256": binary(bytes(32)),
            **dict.fromkeys(("replaced_folder", "replaced_size", "replaced_link"), b"\xc0"),
            "rollback": b"\xc2",
        },
        "checkpoint.signed/1": {
            "origin": text("b3-ledger/" + LEDGER_ID.hex()),
            "root": binary(bytes(32)),
            "key_id": binary(bytes(4)),
            "note": text(""),
        },
        "log.verified/1": {"verdict": text("intact"), "witnesses": array(), "seconds": unsigned(1)},
        "head.accepted/1": {
            **dict.fromkeys(("reason", "verdict", "witness"), text("")),
            **dict.fromkeys(("expected_size", "expected_link"), b"\xc0"),
        },
    }

    def telling(seq: int, tag: str, size: int, link: bytes) -> bytes:
        found = "found_" if tag == "head.accepted/1" else ""
        data = told[tag] | {f"{found}size": unsigned(size), f"{found}link": binary(link)}
        return body(seq, natural(tag), tag, table(data))

    true = [telling(seq, tag, 1 + seq % 2, links[seq % 2]) for seq, tag in enumerate(told, 2)]
    names = [tag.replace(".", "-").replace("/", "-") for tag in told]
    return {
        "heads-of-this-log": ([*log, *true], "intact", 2 + len(true), None),
        **{
            f"{name}-of-another-log": ([*log, telling(2, tag, 2, links[0])], "forked", 3, 2)
            for name, tag in zip(names, told, strict=True)
        },
        "head-ahead": ([*log, telling(2, "log.verified/1", 3, links[1])], "forked", 3, 2),
        "head-of-no-event": ([*log, telling(2, "log.verified/1", 0, links[1])], "forked", 3, 2),
    }


def head_of(archive: bytes, events: int) -> str | None:
    """Return the link after the first `events` events of an archive, hex; None of none."""
    at, link = archive.find(b"\n") + 1, None
    for _ in range(events):
        (length,) = struct.unpack_from(">I", archive, at)
        link, at = archive[at + 4 : at + 36].hex(), at + 36 + length
    return link


def archive_index() -> list[dict[str, object]]:
    """Return what is to be found in each archive; `head` is the last link that holds, hex."""
    return [
        {
            "file": f"{name}.bin",
            "sha256": sha256(content).hexdigest(),
            "verdict": verdict,
            "events": events,
            "head": head_of(content, events),
            "first_bad": first_bad,
        }
        for name, (content, verdict, events, first_bad) in (archives() | meaning()).items()
    ]


def slot(size: int, link: bytes) -> bytes:
    """Return a slot of an anchor."""
    remembered = struct.pack(">Q", size) + link
    return remembered + blake3(remembered).digest(length=24)


def saved(ledger_id: bytes, *heads: tuple[int, bytes]) -> bytes:
    """Return a saved head, the first of `heads`, over those that the file held before, newest first."""
    rows = [{"size": size, "head": link.hex(), "saved_at": "2026-02-14T01:00:00Z"} for size, link in heads]
    earlier = {"earlier": rows[1:]} if rows[1:] else {}
    return json.dumps({"ledger_id": str(UUID(bytes=ledger_id)), **rows[0], **earlier}).encode() + b"\n"


def mark(size: int, link: bytes) -> bytes:
    """Return the mark of a verdict that a head saved elsewhere gave."""
    expected = {"witness": "saved head", "expected_size": size, "expected_head": link.hex()}
    return json.dumps({"verdict": "rolled_back", **expected, "found_size": 2, "found_head": None}).encode() + b"\n"


def witnesses() -> dict[str, bytes]:
    """Return files of witnesses, by name."""
    _, two, three = (bytes.fromhex(event["link"]) for event in chain()["events"])
    genesis, other, foreign = bytes.fromhex(chain()["genesis"]), blake3(b"another log").digest(), LEDGER_ID[::-1]
    return {
        "anchor-3": slot(2, two) + slot(3, three),
        "anchor-2": slot(2, two) + bytes(64),
        "anchor-0": slot(0, genesis) * 2,
        "anchor-0-of-another-log": slot(0, other) * 2,
        "anchor-2-of-another-log": slot(2, other) + slot(1, other),
        "anchor-torn": slot(3, three)[:-1] + bytes(1) + slot(2, two),
        "anchor-damaged": bytes(128),
        "anchor-short": slot(3, three),
        "saved-3.json": saved(LEDGER_ID, (3, three)),
        "saved-2.json": saved(LEDGER_ID, (2, two)),
        "saved-2-of-another-log.json": saved(LEDGER_ID, (2, other)),
        "saved-3-over-another-log.json": saved(LEDGER_ID, (3, three), (1, other)),
        "saved-9-of-another-ledger.json": saved(foreign, (9, other)),
        "mark-3.json": mark(3, three),
        "mark-2-of-another-log.json": mark(2, other),
    }


def witnessed() -> list[dict[str, object]]:
    """Return what each log is found to be against witnesses.

    `events` is an archive of all its events. It is read `as` the ledger whose folder has the anchor and the mark, or
    as the backup that it is. `against` is the witness that gave the verdict.
    """
    whole, cut = "whole", "cut-between-frames"
    cases: tuple[tuple[str, str, str, str, int | None, str | None], ...] = (
        (whole, "ledger", "anchor-3", "intact", None, None),
        (whole, "ledger", "anchor-2", "intact", None, None),
        (whole, "ledger", "anchor-0", "intact", None, None),
        (whole, "ledger", "anchor-torn saved-2.json", "intact", None, None),
        (cut, "ledger", "anchor-3", "rolled_back", 2, "anchor"),
        (cut, "ledger", "anchor-2 saved-3.json", "rolled_back", 2, "saved head"),
        (cut, "ledger", "anchor-2 mark-3.json", "rolled_back", 2, "mark"),
        (cut, "ledger", "anchor-3 saved-3.json", "rolled_back", 2, "anchor"),
        (whole, "ledger", "anchor-2-of-another-log", "forked", 1, "anchor"),
        (whole, "ledger", "anchor-0-of-another-log", "forked", 0, "anchor"),
        (whole, "ledger", "anchor-3 saved-2-of-another-log.json", "forked", 1, "saved head"),
        (whole, "ledger", "anchor-3 mark-2-of-another-log.json", "forked", 1, "mark"),
        (cut, "ledger", "anchor-3 saved-2-of-another-log.json", "forked", 1, "saved head"),
        (cut, "ledger", "anchor-2 saved-3-over-another-log.json", "forked", 0, "saved head"),
        (whole, "ledger", "anchor-3 saved-9-of-another-ledger.json", "forked", 0, None),
        (cut, "ledger", "anchor-3 saved-9-of-another-ledger.json", "rolled_back", 2, "anchor"),
        (cut, "ledger", "anchor-damaged saved-3.json", "unreadable", None, None),
        (whole, "ledger", "anchor-short", "unreadable", None, None),
        ("changed-body", "ledger", "anchor-damaged", "tampered", 2, None),
        (whole, "archive", "saved-2.json", "intact", None, None),
        (cut, "archive", "saved-3.json", "truncated", 2, "saved head"),
        (whole, "archive", "saved-2-of-another-log.json", "forked", 1, "saved head"),
        (cut, "archive", "saved-3-over-another-log.json", "forked", 0, "saved head"),
        (cut, "archive", "saved-9-of-another-ledger.json", "forked", 0, None),
    )
    return [
        {
            "events": f"archive/{events}.bin",
            "as": read_as,
            **{
                kind: next((name for name in names.split() if name.startswith(kind)), None)
                for kind in ("anchor", "saved", "mark")
            },
            "verdict": verdict,
            "first_bad": first_bad,
            "against": against,
        }
        for events, read_as, names, verdict, first_bad, against in cases
    ]


def array(*items: bytes) -> bytes:
    """Return a MessagePack array of up to 15 encoded items."""
    return bytes([0x90 | len(items)]) + b"".join(items)


def held_bar(day: str, *numbers: int | None) -> bytes:
    """Return a bar: its day, open, high, low, close, adjusted close (or nil), volume."""
    return array(text(day), *(b"\xc0" if number is None else unsigned(number) for number in numbers))


def held_action(day: str, kind: str, *exact: int | None) -> bytes:
    """Return an action in reais: its day and kind, amount or nil, shares after and before or nil, no more known."""
    numbers = (b"\xc0" if number is None else unsigned(number) for number in exact)
    return array(text(day), text(kind), *numbers, text("BRL"), *[b"\xc0"] * 5)


def series_states() -> list[dict[str, Any]]:
    """Return series with their leaves and states, each with the bytes that were hashed."""
    first = held_bar("2025-12-30", 30_500_000, 31_000_000, 30_250_000, 30_750_000, 29_812_345, 1_234_500)
    second = held_bar("2026-01-02", 30_750_000, 30_990_000, 30_500_000, 30_600_000, None, 900)
    third = held_bar("2026-01-05", 30_600_000, 30_600_000, 30_600_000, 30_600_000, 30_600_000, 0)
    paid = held_action("2026-01-05", "dividend", 550_157_870_000, None, None)
    split = held_action("2025-12-30", "split", None, 2, 1)
    cases: dict[str, tuple[dict[int, list[bytes]], list[bytes]]] = {
        "nothing held": ({}, []),
        "two sessions of one year": ({2026: [second, third]}, []),
        "two years, a split and two equal payments": ({2025: [first], 2026: [second, third]}, [paid, split, paid]),
    }
    return [series_state(name, years, actions) for name, (years, actions) in cases.items()]


def series_state(name: str, years: dict[int, list[bytes]], actions: list[bytes]) -> dict[str, Any]:
    """Return one case of `series_states`."""
    hashed = {year: array(*bars) for year, bars in years.items()}
    leaves = [array(unsigned(year), binary(blake3(bars).digest())) for year, bars in sorted(hashed.items())]
    held = [text("yfinance"), text("PETR4.SA"), text("split_adjusted"), array(*leaves), array(*sorted(actions))]
    preimage = b"b3-ledger series v1" + array(*held)
    return {
        "case": name,
        "provider": "yfinance",
        "ticker": "PETR4.SA",
        "basis": "split_adjusted",
        "bars": {str(year): [bar.hex() for bar in bars] for year, bars in years.items()},
        "actions": [action.hex() for action in actions],
        "leaves": {str(year): blake3(bars).digest().hex() for year, bars in hashed.items()},
        "hashed": preimage.hex(),
        "state": blake3(preimage).digest().hex(),
    }


VECTORS = {
    "series_state.json": series_states,
    "chain.json": chain,
    "anchor.json": anchor,
    "archive/index.json": archive_index,
    "witnesses/index.json": witnessed,
}


def main(folder: Path = FOLDER) -> None:
    """Write every vector into `folder`."""
    for room in ("archive", "witnesses"):
        (folder / room).mkdir(parents=True, exist_ok=True)
    for name, make in VECTORS.items():
        (folder / name).write_text(json.dumps(make(), indent=2) + "\n", "utf-8")
    for name, (content, *_) in (archives() | meaning()).items():
        (folder / "archive" / f"{name}.bin").write_bytes(content)
    for name, content in witnesses().items():
        (folder / "witnesses" / name).write_bytes(content)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
