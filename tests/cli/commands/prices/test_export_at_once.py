"""Of two exports at one place at once one comes to its end, however their steps are taken in turns."""

import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.app.errors import ExportUnderWayError
from cli.commands.prices.export import published
from cli.commands.prices.export.published import ExportPlace, publish
from tests.cli.commands.prices.test_export_published import AFTER, BEFORE, truth, written

pytest.importorskip("obstore")
OTHER = {"prices/year=2025/p.csv": b"other", "gone/only/then.csv": b"then"}
STEPS = ("said", "replace", "holds", "put_file", "remove")
WAIT_S = 30


class Run(threading.Thread):
    """One export, which stands still before each step, and after it, until it may go on."""

    def __init__(self, place: ExportPlace, folder: Path) -> None:
        super().__init__(daemon=True)
        self._place, self._folder = place, folder
        self.may, self.stands = threading.Semaphore(0), threading.Semaphore(0)
        self.ended = False
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Publish, and keep what that raises."""
        self.stand()
        try:
            publish(self._place, self._folder)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.failure = error
        self.ended = True
        self.stands.release()

    def stand(self) -> None:
        """Stand still until `go`."""
        self.stands.release()
        assert self.may.acquire(timeout=WAIT_S)

    def go(self) -> None:
        """Let it go on to where it stands next."""
        self.may.release()
        assert self.stands.acquire(timeout=WAIT_S)


def taken_in_turns(places: list[ExportPlace], folders: list[Path], turns: list[bool]) -> list[Run]:
    """Return both exports at their end; whose step is next `turns` say, and then the first's are taken first."""
    runs = [Run(place, folder) for place, folder in zip(places, folders, strict=True)]
    of = {id(place): run for place, run in zip(places, runs, strict=True)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published, "AT_ONCE", 1)
        for name in STEPS:
            real = getattr(ExportPlace, name)

            def stepped(place: ExportPlace, *args: Any, real: Any = real, **named: Any) -> Any:
                of[id(place)].stand()
                made = real(place, *args, **named)
                of[id(place)].stand()
                return made

            patch.setattr(ExportPlace, name, stepped)
        for run in runs:
            run.start()
            assert run.stands.acquire(timeout=WAIT_S)
        remaining = iter(turns)
        while alive := [run for run in runs if not run.ended]:
            alive[next(remaining, False) and len(alive) > 1].go()
        for run in runs:
            run.join()
    return runs


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 12)), max_size=24))
def test_one_of_two_at_once_always_comes_to_its_end(spans: list[tuple[bool, int]]) -> None:
    """What it says is true; the other gave way, or came to its end before or after it."""
    with TemporaryDirectory() as folder:
        here = Path(folder)
        url = f"file://{here}/nas"
        publish(ExportPlace(url), written(here / "before", BEFORE))
        folders = [written(here / "after", AFTER, 2), written(here / "other", OTHER, 3)]
        turns = [whose for whose, steps in spans for _ in range(steps)]
        runs = taken_in_turns([ExportPlace(url) for _ in folders], folders, turns)
        assert all(run.failure is None or isinstance(run.failure, ExportUnderWayError) for run in runs)
        found = truth(here / "nas")
        assert found is not None
        assert found.position in {position for position, run in zip((2, 3), runs, strict=True) if run.failure is None}
