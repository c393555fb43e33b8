"""Write the test vectors of docs/format.md into tests/vectors/: `python scripts/make_vectors.py`.

The bodies are put together by hand from the format's own words, not by the code under test;
the tests then hold the code to them.
"""

import json
import struct
import sys
from pathlib import Path

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


def body(seq: int, append_id: bytes, tag: str, data: bytes) -> bytes:
    """Return a stored envelope of the stream `ledger`, without a cause."""
    parts = [
        unsigned(seq),
        unsigned(RECORDED_AT + seq),
        binary(append_id),
        binary(LEDGER_ID),
        b"\xc0",
        text("ledger"),
        text(tag),
        data,
    ]
    return b"\x98" + b"".join(parts)


def natural(key: str) -> bytes:
    """Return an append id: the job's time, then the hash of the natural key."""
    return LEDGER_ID[:6] + blake3(key.encode()).digest()[:10]


def bodies() -> list[bytes]:
    """Return the bodies of a log of three events."""
    created = table(
        {"ledger_id": binary(LEDGER_ID), "kind": text("real"), "software": text("b3-ledger 0.1.0")},
    )
    tested = {
        "provider": text("yfinance"),
        "started_at": unsigned(RECORDED_AT),
        "finished_at": unsigned(RECORDED_AT + 120_000),
        "status": text("ok"),
        "latency_ms": unsigned(120),
        "error_kind": b"\xc0",
        "message": b"\xc0",
    }
    refused = tested | {
        "status": text("rate-limited"),
        "error_kind": text("rate-limit"),
        "message": text("429 Too Many Requests — São Paulo"),
    }
    return [
        body(0, natural("ledger.created"), "ledger.created/1", created),
        body(1, natural("connection/1"), "connection.tested/1", table(tested)),
        body(2, natural("connection/2"), "connection.tested/1", table(refused)),
    ]


def chain() -> dict[str, object]:
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
    assert isinstance(events, list)  # noqa: S101 - made by `chain` just above
    heads = [{"size": event["seq"] + 1, "link": event["link"]} for event in events[-2:]]
    slots = [struct.pack(">Q", head["size"]) + bytes.fromhex(head["link"]) for head in heads]
    file = b"".join(slot + blake3(slot).digest(length=24) for slot in slots)
    return {"slots": heads, "file": file.hex(), "newest": heads[-1]}


VECTORS = {"chain.json": chain, "anchor.json": anchor}


def main(folder: Path = FOLDER) -> None:
    """Write every vector into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in VECTORS.items():
        (folder / name).write_text(json.dumps(make(), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
