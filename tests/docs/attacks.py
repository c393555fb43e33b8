"""The attacks of docs/threat-model.md, done: each takes a working folder that was signed, and leaves it attacked."""

import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
from blake3 import blake3

from projections.store.linked_tables import begun
from projections.store.lmdb_tables import sealed
from projections.store.store import HEAD_KEY
from tests.cli.commands.trust.test_rebuild import corrupt
from tests.projections.store.test_commitments import BARS
from tests.support import timestamp_authority
from tests.support.cli import REPOSITORY, run_main
from tests.support.forging import DATA, TYPE, Body, forge_archive, forge_ledger
from tests.support.sample_ledger import FOLDER, NOW, PETR4_CSV, look, make, make_more
from tests.support.witness import Witness

Attack = Callable[[Path], None]

MARK_BYTES = 1  # of a key that is the mark of a table alone: the row that its chain begins with

STATES = runpy.run_path(str(REPOSITORY / "docs" / "examples" / "verify_states.py"))


def well(folder: Path, *args: str) -> None:
    """Run a command that ends well."""
    done = look(*args, cwd=folder)
    assert done.code == 0, done.err


def sign_and_keep(folder: Path) -> None:
    """Make what an operator has: a key and its verifier key, and `elsewhere`, where whoever writes here cannot.

    `elsewhere/first` is an older checkpoint, `elsewhere` the newest with its tiles, `elsewhere/head.json` a head.
    """
    well(folder, "key", "new", "--out", "k.key")
    (folder / "vkey.txt").write_text(look("key", "show", "k.key", cwd=folder).out)
    well(folder, "checkpoint", "--key", "k.key", "--out", "elsewhere")
    shutil.copy(folder / "elsewhere" / "checkpoint", folder / "elsewhere" / "first")
    shutil.copytree(folder / FOLDER, folder / "monday")
    make_more(folder)
    well(folder, "backup", "--create", "--out", "copy.db")
    well(folder, "checkpoint", "--key", "k.key", "--out", "elsewhere")
    well(folder, "verify", "--save-head", "elsewhere/head.json")


def truncate(folder: Path) -> None:
    """Cut the last four events."""
    forge_ledger(folder / FOLDER, lambda events: events[:9])


def rewrite(folder: Path) -> None:
    """Raise the last close that PETR4's decision accepted, by a centavo."""
    forge_ledger(folder / FOLDER, raised)


def raised(events: list[Body]) -> list[Body]:
    """Return the events with another close in the first decision, and every state that decisions commit to mended."""
    decisions: list[dict[str, Any]] = [one[DATA] for one in events if one[TYPE] == "validation.completed/2"]
    decisions[0]["bars"][-1][4] += 10_000
    held: dict[tuple[str, str], Any] = {}
    for decision in decisions:
        name = decision["provider"], decision["ticker"]
        series = held.setdefault(name, STATES["Series"]())
        decision["before"] = series.state(*name, decision["basis"])
        if decision["verdict"] in STATES["ACCEPTED"]:
            series.take(decision)
        decision["after"] = series.state(*name, decision["basis"])
    return events


def roll_back(folder: Path) -> None:
    """Put Monday's copy of the whole ledger folder back."""
    shutil.rmtree(folder / FOLDER)
    shutil.copytree(folder / "monday", folder / FOLDER)


def fork(folder: Path) -> None:
    """Rewrite, and sign the other history for another auditor."""
    rewrite(folder)
    well(folder, "checkpoint", "--key", "k.key", "--out", "other")


def swap(folder: Path) -> None:
    """Put another ledger, just as whole, in the place of this one."""
    other = folder / "another"
    other.mkdir()
    make(other)
    shutil.rmtree(folder / FOLDER)
    shutil.copytree(other / FOLDER, folder / FOLDER)


def back_date(folder: Path) -> None:
    """Insert an answer that never came, between two that did."""

    def inserted(events: list[Body]) -> list[Body]:
        invented = [*events[1]]
        invented[2] = bytes(16)  # an append of its own
        return [*events[:4], invented, *events[4:]]

    forge_ledger(folder / FOLDER, inserted)


def forge_backup(folder: Path) -> None:
    """Write a backup of a history that was not, with the `.checksum` that fits."""
    forge_archive(folder / "forged.db", folder / FOLDER, raised)


def steal_key(folder: Path) -> None:
    """Rewrite, sign with the stolen key, and publish as if nothing had been."""
    fork(folder)


def edit_read_models(folder: Path) -> None:
    """Change a row of the stored read models."""
    well(folder, "rebuild")
    corrupt(folder)


def edit_cache(folder: Path) -> None:
    """Of what is cached of a backup, in `cache`: change each price by a bit, take every entry of the logs away.

    Checks, links and seals are mended.
    """
    env = {**NOW, "XDG_CACHE_HOME": str(folder / "cache")}
    for args in (("prices", "PETR4"), ("logs",)):
        assert 0 == run_main(*args, "--ledger", "copy.db", cwd=folder, env=env).code
    for model in ("prices", "ingest_logs"):
        (store,) = folder.glob(f"cache/b3-ledger/*/{model}")
        with lmdb.open(str(store)) as database, database.begin(write=True) as txn:
            for key, value in [row for row in txn.cursor() if row[0].startswith(BARS) or model != "prices"]:
                if model == "prices":
                    txn.put(key, sealed(key, value[:-5] + bytes([value[-5] ^ 1])))
                elif len(key) == MARK_BYTES:
                    txn.put(*begun(key))
                elif key != HEAD_KEY:
                    txn.delete(key)
        (store / "seal").write_bytes(blake3((store / "data.mdb").read_bytes()).digest())


def edit_snapshot(folder: Path) -> None:
    """Change a price in a snapshot, and its `.checksum` with it."""
    from hashlib import sha256

    path = folder / "snapshots" / PETR4_CSV
    path.write_bytes(path.read_bytes()[:-2] + b"1\n")
    digest = sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.checksum").write_text(f"{digest}  {path.name}\n")


def edit_tile(folder: Path) -> None:
    """Change a hash in what was published."""
    (tile,) = (folder / "elsewhere" / "tile" / "0").rglob("12")
    *rest, last = tile.read_bytes()
    tile.write_bytes(bytes([*rest, last ^ 1]))


def sign_with_another_key(folder: Path) -> None:
    """Rewrite, and sign with a key of the same name that nobody was given."""
    rewrite(folder)
    name = (folder / "vkey.txt").read_text().split("+")[0]
    well(folder, "key", "new", "--out", "own.key", "--name", name)
    well(folder, "checkpoint", "--key", "own.key", "--out", "other")


def rewrite_what_no_checkpoint_covers(folder: Path) -> None:
    """Change the event that came after the newest checkpoint."""

    def changed(events: list[Body]) -> list[Body]:
        return [*events[:12], ["", *events[11][1:2], bytes(16), *events[11][3:]]]

    forge_ledger(folder / FOLDER, changed)


def date_it(folder: Path) -> None:
    """Have the head dated by an authority, whose root is `tsa.pem`; `other.pem` is another one's.

    The clock of these folders stands still in the past: what is recorded from then on is dated back.
    """
    root = timestamp_authority.make(folder / "authority")
    shutil.copy(root, folder / "tsa.pem")
    shutil.copy(timestamp_authority.make(folder / "another authority"), folder / "other.pem")
    with timestamp_authority.authority(folder / "authority") as url:
        well(folder, "checkpoint", "--key", "k.key", "--timestamp", url, "--tsa-root", "tsa.pem")


def back_date_under_a_timestamp(folder: Path) -> None:
    """Insert what never came below a checkpoint that was dated."""
    date_it(folder)
    back_date(folder)


def fork_before_a_witness(folder: Path) -> None:
    """Have the one history cosigned, and ask the same witness, whose key is `w.txt`, to cosign the other."""
    witness = Witness()
    (folder / "w.txt").write_text(witness.vkey())
    witness.known[(folder / "elsewhere" / "checkpoint").read_text().split("\n")[0]] = (
        (folder / "vkey.txt").read_text().strip()
    )
    with witness.serving() as url:
        ask = ("--witness", url, "--witness-key", "w.txt")
        well(folder, "checkpoint", "--key", "k.key", "--out", "elsewhere", *ask)
        rewrite(folder)
        done = look("checkpoint", "--key", "k.key", "--out", "other", *ask, cwd=folder)
        assert done.code == 2, done.err


DATED = {"T8", "T9"}  # these need an authority to run
ATTACKS: dict[str, Attack] = {
    "T1": truncate,
    "T2": rewrite,
    "T3": roll_back,
    "T4": fork,
    "W1": fork_before_a_witness,
    "T5": swap,
    "T6": back_date,
    "T7": forge_backup,
    "T8": date_it,
    "T9": back_date_under_a_timestamp,
    "K1": steal_key,
    "K2": sign_with_another_key,
    "M1": edit_read_models,
    "M2": edit_snapshot,
    "M3": edit_tile,
    "M4": edit_cache,
    "N1": rewrite_what_no_checkpoint_covers,
}
