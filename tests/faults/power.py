"""Power cuts: the calls of real work are recorded, and every disk that a cut may leave is laid out and looked at."""

import hashlib
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tests.faults.disk import Change, Disk, Tree, replay
from tests.faults.fork_server import ForkServer
from tests.faults.recording import recorded
from tests.faults.shim import Shim
from tests.faults.tally import Tally

WORK, IMAGE, JOURNAL = "work", "image", "journal"


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """Work whose disk is cut off at any instant.

    `prepare` makes what is durable beforehand in a folder; `work` goes on there and writes marks to a descriptor.
    `checker` is made once the work is done, from its folder; it looks at one image, given the marks by then, and
    may change it.
    """

    name: str
    prepare: Callable[[Path], object]
    work: Callable[[Path, int], object]
    checker: Callable[[Path], Callable[[Path, bytes], object]]
    at_random: int
    prefixes: int | None = None  # so many of them at random where there are more


def cut_power(scenario: Scenario, seed: int, folder: Path, tally: Tally, shim: Shim) -> None:
    """Do the work of `scenario` once, and look at every disk that a cut may leave; what is wrong is a violation."""
    shutil.rmtree(folder, ignore_errors=True)
    root = folder / WORK
    root.mkdir(parents=True)
    scenario.prepare(root)
    disk = Disk(root)
    calls = recorded(shim, root, folder / JOURNAL, lambda said: scenario.work(root, said))
    images = Images(scenario, seed, folder, tally)
    try:
        replay(disk, calls, lambda marks: images.look(disk, marks))
    finally:
        images.close()
    tally.count(f"{scenario.name}: calls recorded", len(calls))


class Images:
    """The disks of one scenario, each looked at once."""

    def __init__(self, scenario: Scenario, seed: int, folder: Path, tally: Tally) -> None:
        self._scenario, self._seed, self._tally = scenario, seed, tally
        self._rng = random.Random(seed)
        self._root = folder / IMAGE
        self._seen: set[bytes] = set()
        check = scenario.checker(folder / WORK)
        self._server = ForkServer(lambda marks: check(self._root, marks))

    def look(self, disk: Disk, marks: bytes) -> None:
        """Look at what a cut may leave now, when the marks so far have been given."""
        for changes in disk.images(self._rng, at_random=self._scenario.at_random, prefixes=self._scenario.prefixes):
            tree = disk.image(changes)
            if (digest := _digest(tree, marks)) not in self._seen:
                self._seen.add(digest)
                self._look(tree, marks, changes)

    def close(self) -> None:
        """End the process that looks."""
        self._server.close()

    def _look(self, tree: Tree, marks: bytes, changes: Sequence[Change]) -> None:
        _lay(tree, self._root)
        self._tally.count(f"{self._scenario.name}: images")
        if wrong := self._server.ask(marks):
            case = f"{self._scenario.name}, image {len(self._seen)}: {len(changes)} changes, marks {marks.hex()}"
            self._tally.violation(self._seed, f"{case}\n{wrong}")


def _digest(tree: Tree, marks: bytes) -> bytes:
    digest = hashlib.blake2b(marks, digest_size=16)
    for path, content in sorted(tree.items()):
        digest.update(path.encode() + b"\0" + (b"/" if content is None else content))
    return digest.digest()


def _lay(tree: Tree, root: Path) -> None:
    """Make the folder `root` hold `tree` and nothing else."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for path, content in tree.items():  # a folder comes before what is in it
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)
