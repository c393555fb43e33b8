"""Signers killed at random instants: while an authority dates what they sign, and while machines publish at one URL.

Of the machines one is a copy of the other's disk that went its own way: both hold the key, and both want the URL.
"""

import os
import random
import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Lock

import msgspec

from ledger.checkpoint.errors import NotAnExtensionError, SignedElsewhereError
from ledger.checkpoint.holding import hold_tiles
from ledger.checkpoint.note import open_note, split_note
from ledger.checkpoint.outside.stamping import Authority, stamp
from ledger.checkpoint.outside.timestamp import opened, read_roots
from ledger.checkpoint.published import TIMESTAMP, Published
from ledger.checkpoint.published_objects import PublishedObjects
from ledger.checkpoint.published_tree import CHECKPOINT, PublishedTree
from ledger.checkpoint.statement import Statement, parse_statement
from ledger.codec import decode_as, decode_envelope
from ledger.errors import LedgerError
from ledger.events import CheckpointTimestamped
from ledger.ids import append_id
from ledger.objects.place import ObjectPlace
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.kills.tally import Tally
from tests.kills.victim import Victim
from tests.ledger.checkpoint.places import KEY, recorded, root_of, sign
from tests.support import timestamp_authority
from tests.support.drafts import JOB, StepClock, connection_tested

LONGEST_S = 0.6
ROUNDS_A_PLACE = 6  # a copy that was once refused is refused for good: races are at the beginning
LOCK_TIMEOUT_S = 60
REFUSED = b"refused"


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Where checkpoints are published, in a folder or as at a URL, by whom they are dated, and what becomes of it."""

    out: Path
    at_url: bool
    authority: Authority | None

    def tree(self) -> PublishedTree:
        """Return the place. Only a child may: a store's client does not survive a fork."""
        return PublishedObjects(ObjectPlace(f"file://{self.out}", create=True)) if self.at_url else Published(self.out)

    def statements(self) -> list[Statement]:
        """Return what every published checkpoint states, each signature checked, by size."""
        kept = [path for path in self.out.glob("checkpoints/*") if path.name.isdigit()]
        notes = [path.read_bytes() for path in [*kept, self.out / CHECKPOINT] if path.exists()]
        stated = [parse_statement(open_note(note, KEY.verifier())) for note in notes]
        return sorted(stated, key=lambda one: one.size)

    def claims(self) -> int:
        """Return how many claims there are without the checkpoint that they are of."""
        texts = [path.read_text() for path in self.out.glob("checkpoints/*.next")]
        return sum(not (self.out / f"checkpoints/{parse_statement(text).size}").exists() for text in texts)


def work(scene: Scene, home: LedgerHome, seed: int) -> None:
    """Append and sign until killed."""
    rng = random.Random(seed)
    tree = scene.tree()
    with EventLog(home, now=StepClock(), lock_timeout_s=LOCK_TIMEOUT_S) as log:
        for number in count():
            first = rng.randrange(1_000_000)  # so that no two go the same way
            drafts = [connection_tested(first + at) for at in range(rng.choice([1, 5, 300]))]
            log.append(drafts, append_id=append_id(f"{seed}/{number}"))
            try:
                signed = sign(log, tree)
            except (NotAnExtensionError, SignedElsewhereError):
                continue
            if scene.authority is not None:
                stamp(log, signed, scene.authority, job_id=JOB, lock_timeout_s=LOCK_TIMEOUT_S)


def finished(scene: Scene, home: LedgerHome) -> bool:
    """Return whether the next call signs; False where it is told that another history is published."""

    def once(writing: int) -> None:
        with EventLog(home, now=StepClock(), lock_timeout_s=LOCK_TIMEOUT_S) as log:
            try:
                signed = sign(log, scene.tree())
            except (NotAnExtensionError, SignedElsewhereError):
                os.write(writing, REFUSED)
                return
            if scene.authority is not None:
                stamp(log, signed, scene.authority, job_id=JOB, lock_timeout_s=LOCK_TIMEOUT_S)

    said, code = Victim(once).end()
    assert 0 == code
    return said != REFUSED


def check(scene: Scene, homes: list[LedgerHome], tally: Tally) -> None:
    """Assert that one log holds all that is published, each log what it recorded, and stamps what they date."""
    stated = scene.statements()
    holds = []
    for home in homes:
        with EventLog(home, now=StepClock(), lock_timeout_s=LOCK_TIMEOUT_S) as log:
            size = log.head().size
            holds.append(all(one.size <= size and root_of(log, one.size) == one.root for one in stated))
            own = recorded(log)
            assert all(root_of(log, one.size) == one.root for one in own[-3:])
            tally.acknowledged = max(tally.acknowledged, len(own))
            _check_stamps(scene, log)
    assert any(holds)
    for one in stated[-2:]:
        assert "intact" == hold_tiles(one, Published(scene.out)).verdict
    tally.full_checks += 1


def _check_stamps(scene: Scene, log: EventLog) -> None:
    if scene.authority is None:
        return
    envelopes = [decode_envelope(one.seq, one.body) for one in log.read()]
    origin = recorded(log)[-1].origin if recorded(log) else ""
    for envelope in [one for one in envelopes if one.type == CheckpointTimestamped.TAG][-3:]:
        event = decode_as(envelope, CheckpointTimestamped)
        text = Statement(origin, event.size, root_of(log, event.size)).text()
        opened(event.token, scene.authority.roots).check(text)
    if (answer := scene.out / TIMESTAMP).exists():
        note = (scene.out / CHECKPOINT).read_bytes()
        opened(answer.read_bytes(), scene.authority.roots).check(split_note(note)[0])
    for answer in sorted(scene.out.glob("checkpoints/*.tsr"))[-3:]:
        note = (scene.out / "checkpoints" / answer.name.partition(".")[0]).read_bytes()
        opened(answer.read_bytes(), scene.authority.roots).check(split_note(note)[0])


def _round(scene: Scene, homes: list[LedgerHome], rng: random.Random, tally: Tally) -> None:
    tally.rounds += 1
    working = [rng.choice(homes) for _ in range(rng.choice([1, 2]))] if len(homes) == 1 else homes
    victims = [Victim(lambda _, home=home: work(scene, home, rng.getrandbits(32))) for home in working]  # type: ignore[misc]
    time.sleep(rng.uniform(0, LONGEST_S))
    for victim in victims:
        victim.kill()
    codes = [victim.end()[1] for victim in victims]
    assert all(code < 0 for code in codes), codes
    tally.killed += len(victims)
    tally.pending_left += scene.claims()
    check(scene, homes, tally)
    done = [finished(scene, home) for home in homes]
    assert any(done)
    tally.refused += done.count(False)
    check(scene, homes, tally)
    assert 0 == scene.claims()


def _made(folder: Path, rng: random.Random, *, copied: bool) -> list[LedgerHome]:
    """Return a ledger and, where it is `copied`, another that has its disk and goes its own way."""
    home = LedgerHome(folder / "one")
    create_ledger(home, kind="real", software="b3-ledger test", now=StepClock(), lock_timeout_s=5)
    with EventLog(home, now=StepClock(), lock_timeout_s=5) as log:
        drafts = [connection_tested(at) for at in range(rng.choice([1, 300]))]
        log.append(drafts, append_id=append_id("first"))
    if not copied:
        return [home]
    shutil.copytree(home.root, folder / "other")
    return [home, LedgerHome(folder / "other")]


@contextmanager
def _dated_by(folder: Path) -> Iterator[Authority]:
    timestamp_authority.make(folder)
    one_at_a_time = Lock()

    def answer(query: bytes) -> tuple[int, dict[str, str], bytes]:
        with one_at_a_time:
            return 200, {}, timestamp_authority.reply(folder, query)

    with timestamp_authority.serving(answer) as url:
        yield Authority(url=url, roots=read_roots(folder / "root.pem"), timeout_s=20)


def _campaign(tally: Tally, rounds: int, folder: Path, authority: Authority | None) -> Tally:
    began = time.perf_counter()
    while tally.rounds < rounds:
        seed = tally.seed + tally.rounds
        rng = random.Random(seed)
        place = folder / f"place-{seed}"
        homes = _made(place, rng, copied=authority is None)
        scene = Scene(out=place / "out", at_url=authority is None or rng.random() < 0.5, authority=authority)
        tally.ledgers += len(homes)
        try:
            for _ in range(min(ROUNDS_A_PLACE, rounds - tally.rounds)):
                _round(scene, homes, rng, tally)
        except (AssertionError, LedgerError):
            tally.violations.append(f"{place.name}, round {tally.rounds}: {traceback.format_exc()}")
        else:
            tally.checkpoints += len({one.size for one in scene.statements()})
            tally.timestamps += len(list(scene.out.rglob("*.tsr")))
            shutil.rmtree(place)
    tally.seconds = time.perf_counter() - began
    return tally


def publishing(rounds: int, seed: int, folder: Path) -> Tally:
    """Return what `rounds` kills of two machines that publish at one URL came to."""
    return _campaign(Tally(what="publish", seed=seed), rounds, folder, None)


def stamping(rounds: int, seed: int, folder: Path) -> Tally:
    """Return what `rounds` kills of signers whom an authority dates came to."""
    with _dated_by(folder / "authority") as authority:
        return _campaign(Tally(what="stamp", seed=seed), rounds, folder, authority)
