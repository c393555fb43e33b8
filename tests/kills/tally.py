"""What a campaign of kills came to: counts that show which instants were hit, and every violation."""

import msgspec


class Tally(msgspec.Struct, kw_only=True):
    """Counts of one campaign; it passed when `violations` is empty and something was killed."""

    what: str
    seed: int
    rounds: int = 0
    killed: int = 0
    ended_before: int = 0  # the victim was done before the kill came
    ledgers: int = 0
    creations_cut: int = 0  # killed before the ledger was in use
    acknowledged: int = 0
    landed_unacknowledged: int = 0  # durable, and nobody had been told
    anchors_behind: int = 0  # killed between commit and anchor
    pending_left: int = 0  # evidence without its decision, or a claim without its checkpoint, left by the kill
    events: int = 0
    checkpoints: int = 0  # published in the end
    timestamps: int = 0
    refused: int = 0  # of a machine that went its own way, once another had published
    full_checks: int = 0
    seconds: float = 0.0
    violations: list[str] = []

    @property
    def passed(self) -> bool:
        """Whether kills happened and nothing that was promised was broken by them."""
        return self.killed > 0 and not self.violations

    def table(self) -> str:
        """Return the counts as a Markdown table of one row."""
        counts = {name: value for name, value in msgspec.structs.asdict(self).items() if name != "violations"}
        counts["violations"] = len(self.violations)
        cells = [f"{value:.0f}" if isinstance(value, float) else str(value) for value in counts.values()]
        names = [name.replace("_", " ") for name in counts]
        return "\n".join(f"| {' | '.join(row)} |" for row in (names, ["---"] * len(names), cells))
