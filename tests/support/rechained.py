"""Logs whose chain holds whatever is in them: bodies made by hand, linked and stored behind the back of the code."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import lmdb
import msgspec

from ledger.chain import GENESIS, Head, links
from ledger.store.anchor import Anchor
from ledger.store.home import LedgerHome
from tests.support.archives import HEADER, put

Fields = list[Any]  # of a body: seq, recorded_at, append id, job id, cause, stream, type, data


def body(fields: Sequence[Any]) -> bytes:
    """Return the body of these fields, whatever they are."""
    return msgspec.msgpack.encode(list(fields))


def fields_of(stored: bytes) -> Fields:
    """Return the fields of a stored body."""
    fields: Fields = msgspec.msgpack.decode(stored)
    return fields


def stored_bodies(folder: Path) -> list[bytes]:
    """Return every body of the ledger in `folder`."""
    with lmdb.open(str(folder), max_dbs=3) as env, env.begin() as txn:
        return [bytes(value)[32:] for _, value in txn.cursor(db=env.open_db(b"events", txn=txn))]


def rewrite(folder: Path, bodies: Sequence[bytes], *, forget: bool = True) -> None:
    """Make the ledger in `folder` one of `bodies`, its chain, head, index and anchor all consistent.

    With `forget` the read models and what they remember go too: nothing outside the log contradicts it.
    """
    chained = links(GENESIS, bodies)
    runs: dict[bytes, list[int]] = {}
    for seq, one in enumerate(bodies):
        runs.setdefault(_append_id(one, seq), []).append(seq)
    with lmdb.open(str(folder), max_dbs=3) as env:
        events, appends = env.open_db(b"events"), env.open_db(b"appends")
        with env.begin(write=True) as txn:
            txn.drop(events, delete=False)
            txn.drop(appends, delete=False)
            for seq, (link, one) in enumerate(zip(chained, bodies, strict=True)):
                txn.put(seq.to_bytes(8, "big"), link + one, db=events)
            for name, seqs in runs.items():
                txn.put(name, seqs[0].to_bytes(8, "big") + len(seqs).to_bytes(4, "big"), db=appends)
            txn.put(b"head", len(bodies).to_bytes(8, "big") + chained[-1])
    Anchor.create(folder / "head", Head(len(bodies), chained[-1])).close()
    if forget:
        shutil.rmtree(folder / "projections", ignore_errors=True)


def archived(path: Path, bodies: Sequence[bytes]) -> Path:
    """Make the file `path` the archive of `bodies`, with its checksum; return it."""
    frames = (
        len(one).to_bytes(4, "big") + link + one for link, one in zip(links(GENESIS, bodies), bodies, strict=True)
    )
    return put(path, HEADER + b"".join(frames), checksum=True)


def folder_of(home: LedgerHome) -> Path:
    """Return the folder of the ledger in use."""
    folder = home.current()
    assert folder is not None
    return folder


def changed(bodies: Iterable[bytes], seq: int, **fields: Any) -> list[bytes]:
    """Return `bodies` with named fields of the one at `seq` changed; `data` is merged into what it holds."""
    names = ("seq", "recorded_at", "append_id", "job_id", "cause", "stream", "type", "data")
    out = list(bodies)
    held = dict(zip(names, fields_of(out[seq]), strict=True))
    data = fields.pop("data", {})
    held |= fields
    held["data"] = held["data"] | data if isinstance(data, dict) else data
    out[seq] = body(list(held.values()))
    return out


def _append_id(stored: bytes, seq: int) -> bytes:
    try:
        found = fields_of(stored)[2]
    except (msgspec.DecodeError, IndexError, TypeError):
        found = None
    return found if isinstance(found, bytes) and found else b"seq %d" % seq
