"""Events that come together leave the rows that they leave one by one."""

import random
from datetime import date

import pytest

from ledger.ingest.providers.cotahist import DESCRIPTION
from ledger.market.sessions import shift
from projections.fold import folding
from projections.fold.digest import digest
from projections.fold.folding import replayed
from projections.models import instruments
from projections.store.registry import ALL
from tests.projections.story import told
from tests.support.cotahist import line
from tests.support.listed import Listed

FIRST = date(2024, 12, 23)


def imported(seed: int) -> Listed:
    """Return a log of files that go over the turn of a year, forwards, backwards and again."""
    rng, files = random.Random(seed), Listed()
    for _ in range(60):
        numbers = rng.sample(range(12), rng.randint(1, 8))
        lines = [
            line(shift(FIRST, number), close=rng.choice([3700, 3800]), specification=rng.choice(["ON", "PN"]))
            for number in (sorted(numbers) if rng.random() < 0.8 else numbers)
        ]
        verdict = rng.choice(["success"] * 8 + ["rejected"])
        body = b"{}" if rng.random() < 0.1 else None
        files.imported(lines, rng.choice(["PETR4.SA", "VALE3.SA", "BBAS3.SA"]), verdict=verdict, body=body)
    return files


@pytest.mark.parametrize("together", [1, 2, 7, 128])
def test_rows_do_not_depend_on_how_many_events_come_together(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures, retries, refusals, withdrawals and judgements of every kind, in all read models."""
    rng = random.Random(together)
    log = told([rng.randrange(1000) for _ in range(200)])
    want = {name: digest(tables) for name, tables in replayed(log.read(), ALL)[1].items()}
    monkeypatch.setattr(folding, "CHECKED_TOGETHER", together)
    assert want == {name: digest(tables) for name, tables in replayed(log.read(), ALL)[1].items()}


@pytest.mark.parametrize("seed", range(8))
def test_answers_read_together_are_described_as_each_by_itself(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes over what, twice or unreadable, and wherever a few megabytes of them end."""
    log = imported(seed).log
    assert any(DESCRIPTION.name.encode() in record.body for record in log.read())
    monkeypatch.setattr(folding, "CHECKED_TOGETHER", 1)
    want = {name: digest(tables) for name, tables in replayed(log.read(), ALL)[1].items()}
    monkeypatch.setattr(folding, "CHECKED_TOGETHER", 128)
    monkeypatch.setattr(instruments, "FEW_BYTES", 0)
    for together_bytes in (1, 2_000, 1_000_000):
        monkeypatch.setattr(instruments, "TOGETHER_BYTES", together_bytes)
        assert want == {name: digest(tables) for name, tables in replayed(log.read(), ALL)[1].items()}
