"""What a part of the campaign came to: counts that show that it hit something, and every violation."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec


class Tally(msgspec.Struct, kw_only=True):
    """Counts of one part; it passed when there are counts and no violations."""

    part: str
    seed: int
    rounds: int
    counts: dict[str, int] = {}
    seconds: float = 0.0
    violations: list[str] = []
    campaign: str = "tests.faults"

    @property
    def passed(self) -> bool:
        """Whether something was tried and nothing that is promised was broken by it."""
        return bool(self.counts) and not self.violations

    def count(self, what: str, by: int = 1) -> None:
        """Add to the count of `what`."""
        self.counts[what] = self.counts.get(what, 0) + by

    def violation(self, seed: int, what: str) -> None:
        """Keep what was broken, with the command that breaks it again."""
        self.violations.append(f"python -m {self.campaign} --only {self.part} --seed {seed} --rounds 1\n{what}")

    @contextmanager
    def holding(self, seed: int, case: Any = "") -> Iterator[None]:
        """Keep whatever the block raises as a violation of the round of `seed`: nothing may come out of it."""
        try:
            yield
        except Exception:  # noqa: BLE001 - an error of any kind is a finding, and the campaign goes on
            self.violation(seed, f"{case}\n{traceback.format_exc()}")

    def table(self) -> str:
        """Return the counts as the rows of a Markdown table: part, seed, what, how many."""
        counts = {"rounds": self.rounds, **self.counts, "seconds": round(self.seconds)}
        counts["violations"] = len(self.violations)
        return "\n".join(f"| {self.part} | {self.seed} | {what} | {count:,} |" for what, count in counts.items())
