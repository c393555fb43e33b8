"""Measure and say so: `python -m tests.benchmarks [--quick] [--part P …] [--waited] [--markdown F] [--gate F]`."""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import msgspec

from tests.benchmarks import (
    appends,
    audit,
    backups,
    checkpoints,
    commands,
    cotahist,
    gate,
    ground,
    longlogs,
    meaning,
    reading,
    report,
)
from tests.benchmarks.measure import Clock, Ratio, Timing, over, ratio, spent_s
from tests.benchmarks.report import Limit, Section
from tests.support import evenings, mix

MEGABYTE = 1_000_000
MEMORY_LIMIT_BYTES = 60 * MEGABYTE
STARTUP_LIMIT_S = 0.030


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much of everything."""

    small: int
    realistic: int
    batched: int
    singles: int
    rounds: int
    command_rounds: int
    cotahist: int
    tickers: int
    evenings: int
    waited: bool = False

    @property
    def clock(self) -> Clock:
        """What counts where programs are measured whole."""
        return time.perf_counter if self.waited else spent_s

    @property
    def counted(self) -> str:
        """What that is called."""
        return "waited" if self.waited else "processor time"


FULL = Scale(
    small=1_000_000,
    realistic=100_000,
    batched=100_000,
    singles=10_000,
    rounds=3,
    command_rounds=15,
    cotahist=500_000,
    tickers=50,
    evenings=200,
)
QUICK = Scale(
    small=50_000,
    realistic=10_000,
    batched=10_000,
    singles=500,
    rounds=2,
    command_rounds=3,
    cotahist=5_000,
    tickers=2,
    evenings=20,
)


class Grounds:
    """The ledgers of one run, each made when it is first asked for; in a folder that is kept, found there."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        self._folder, self._scale = folder, scale

    @cached_property
    def many(self) -> ground.Ground:
        """The long one."""
        return self._made(ground.small, self._scale.small)

    @cached_property
    def fewer(self) -> ground.Ground:
        """A tenth of it."""
        return self._made(ground.small, self._scale.small // 10)

    @cached_property
    def mixed(self) -> ground.Ground:
        """Events as years of use leave them."""
        return self._made(ground.realistic, self._scale.realistic)

    def _made(self, make: Callable[[Path, int], ground.Ground], events: int) -> ground.Ground:
        say(f"a ledger of {events:,} {make.__name__} events")
        return make(self._folder / f"{make.__name__}-{events}", events)


class Run(msgspec.Struct, frozen=True):
    """What a part of the benchmarks works with: a folder of its own, the ledgers, and how much of everything."""

    folder: Path
    grounds: Grounds
    scale: Scale


def _parts() -> dict[str, Callable[[Run], list[Section]]]:
    """Return the parts by name, in their order: the last one appends to the ledger that the others read."""
    return {
        "batches": lambda run: [_batched(run.folder, name, run.scale) for name in ("small", "realistic")],
        "verify": lambda run: [_verified(one, run.scale) for one in (run.grounds.many, run.grounds.mixed)],
        "meaning": lambda run: [_meant(run.grounds.mixed, run.scale)],
        "audit": lambda run: _audited(run.folder, run.scale),
        "peers": lambda run: [_folded(run.folder, one, run.scale) for one in (run.grounds.many, run.grounds.mixed)],
        "catch-up": lambda run: [_caught_up(run.grounds.many, run.scale)],
        "commands": lambda run: [
            _commands(run.grounds.many, run.scale),
            _memory(run.grounds.many, (run.grounds.fewer, run.grounds.many, run.grounds.mixed)),
        ],
        "folds": lambda run: [_folded_aside(run.grounds.many, run.scale)],
        "archives": lambda run: [
            _asked(run.folder, run.grounds.many, run.scale),
            _priced(run.folder, run.grounds.mixed, run.scale),
        ],
        "backups": lambda run: _backed_up(run.folder, run.grounds.many, run.scale),
        "backup-memory": lambda run: [_backup_memory(run.folder, (run.grounds.fewer, run.grounds.many))],
        "checkpoints": lambda run: [
            _signed(run.folder, (run.grounds.fewer, run.grounds.mixed, run.grounds.many), run.scale)
        ],
        "cotahist": lambda run: [_imported(run.folder, run.scale)],
        "singles": lambda run: [_single(run.folder, run.grounds.many, run.scale)],
    }


@click.command()
@click.option("--quick", is_flag=True, help="A twentieth of everything: does it run at all.")
@click.option("--events", type=click.IntRange(min=10_000), help="How long the long ledger is, as 10000000.")
@click.option("--part", "parts", multiple=True, type=click.Choice(tuple(_parts())), help="Only this part.")
@click.option(
    "--waited", is_flag=True, help="Count what programs are waited for, on a machine with nothing else on it."
)
@click.option("--keep", type=click.Path(path_type=Path), help="Make the ledgers here, or find them here.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure here.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the tables here.")
@click.option("--record", type=click.Path(path_type=Path), help="Write the ratios here, for --gate.")
@click.option("--gate", type=click.Path(path_type=Path, exists=True), help="Hold the ratios against those recorded.")
@click.pass_context
def main(context: click.Context, **given: Any) -> None:
    """Measure the core beside its peers and print the tables.

    With --gate the parts that were recorded are measured, and what is a third worse ends with exit code 1.
    """
    recorded = None if given["gate"] is None else gate.read(given["gate"])
    if recorded is not None and (given["quick"] or given["events"] or given["parts"]):
        context.fail("got --gate with --quick, --events or --part, want the run that was recorded")
    if given["waited"] and (recorded is not None or given["record"]):
        context.fail("got --waited with --gate or --record, want processor time, which holds on a busy machine")
    parts = recorded.parts if recorded else given["parts"] or tuple(_parts())
    quick, events = (recorded.quick, recorded.events) if recorded else (given["quick"], given["events"])
    scale = msgspec.structs.replace(QUICK if quick else FULL, waited=given["waited"])
    if events is not None:
        scale = msgspec.structs.replace(scale, small=events)
    with tempfile.TemporaryDirectory(prefix="b3-ledger-bench-", dir=".") as name:
        run = Run(Path(name), Grounds(given["keep"] or Path(name), scale), scale)
        sections = [section for part, measure in _parts().items() if part in parts for section in measure(run)]
    text = report.markdown(sections)
    click.echo(text)
    if given["markdown"]:
        given["markdown"].write_text(text, "utf-8")
    if given["json_file"]:
        given["json_file"].write_bytes(msgspec.json.format(msgspec.json.encode(sections)))
    if given["record"]:
        made = gate.RecordedRun(
            made_on=report.made_on(),
            machine=report.machine(),
            parts=parts,
            quick=quick,
            events=scale.small,
            ratios=gate.ratios(sections),
        )
        given["record"].write_bytes(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
    if recorded is not None:
        rows = gate.held(recorded.ratios, gate.ratios(sections))
        click.echo("\n".join(gate.table(rows)))
        context.exit(int(any(row.worse for row in rows)))


def _batched(folder: Path, name: str, scale: Scale) -> Section:
    say(f"append in batches, {name}")
    source = mix.small(scale.batched) if name == "small" else mix.realistic(scale.batched, ground.SEED)
    drafts = [draft for batch in source for draft in batch]
    place = folder / f"batched-{name}"
    place.mkdir()
    timings, ratios = appends.batched(place, drafts, name=name, rounds=scale.rounds)
    return _section(f"Append, 1,000 events a transaction, {len(drafts):,} {name} events", timings, ratios)


def _single(folder: Path, many: ground.Ground, scale: Scale) -> Section:
    say("append one at a time")
    place = folder / "single"
    place.mkdir()
    timings, ratios = appends.single(many, place, events=scale.singles, rounds=scale.rounds)
    return _section(f"Append, one event a transaction, onto {many.name} events", timings, ratios)


def _verified(each: ground.Ground, scale: Scale) -> Section:
    say(f"verify {each.name}")
    timings, ratios = reading.verifying(each, rounds=scale.rounds)
    rate = timings[reading.TWO].rate * each.body_bytes / each.events / MEGABYTE
    note = f"With two processes {rate:,.0f} MB/s of bodies, {each.body_bytes / each.events:,.0f} bytes each."
    return _section(f"Verify, {each.name} events", timings, ratios, note)


def _meant(each: ground.Ground, scale: Scale) -> Section:
    say(f"verify with meaning {each.name}")
    decisions, timings = meaning.contest(each, rounds=scale.rounds)
    ratios = [ratio(timings, meaning.STATES, meaning.BARE, what="verify with meaning", want=0.85)]
    states_us = (timings[meaning.STATES].median_s - timings[meaning.MEANING].median_s) / decisions * 1_000_000
    limit = Limit(what="both states of a decision", value=states_us, unit="us", limit=20)
    section = _section(f"Verify with meaning, {each.name} events, processor time", timings, ratios)
    return msgspec.structs.replace(section, limits=(limit,))


def _audited(folder: Path, scale: Scale) -> list[Section]:
    say("audit")
    home = evenings.make(folder / "evenings", tickers=scale.tickers, evenings=scale.evenings)
    place = folder / "year"
    place.mkdir()
    year = audit.imported(place, records=scale.cotahist)
    sections = []
    for name, one, parse in (
        (f"{scale.evenings} evenings of {scale.tickers} tickers", home, msgspec.json.decode),
        ("an imported year", year, bytes.splitlines),
    ):
        report, beside, waited = audit.contest(one, parse=parse, rounds=scale.rounds)
        alone = [ratio(beside, audit.ONE, audit.BARE, what=f"audit, {name}")]
        twice = [ratio(waited, audit.TWO, audit.ONE, what=f"audit, {name}", want=1.8)]
        rows = f"{report.derived['bars']:,} rows"
        sections += [
            _section(f"Audit, {name}, {rows}, processor time", beside, alone),
            _section(f"Audit, {name}, {rows}, waited", waited, twice),
        ]
    return sections


def _folded(folder: Path, each: ground.Ground, scale: Scale) -> Section:
    say(f"replay and rebuild {each.name}")
    place = folder / f"folded-{each.events}"
    place.mkdir()
    timings, ratios = reading.folding(each, place, rounds=scale.rounds)
    return _section(f"Replay and rebuild, {each.name} events", timings, ratios)


def _caught_up(many: ground.Ground, scale: Scale) -> Section:
    say("catch up")
    timings = reading.catching_up(many, events=1_000, rounds=scale.rounds)
    return _section(f"Catch-up of 1,000 new events onto {many.name} events", timings, [])


def _commands(many: ground.Ground, scale: Scale) -> Section:
    say("commands")
    timings = commands.quick(many, rounds=scale.command_rounds)
    limits = [
        Limit(
            what=f"{name}, over the bare imports",
            value=over(timings, name, commands.IMPORTS),
            limit=STARTUP_LIMIT_S,
            unit="s",
        )
        for name in commands.QUICK
    ]
    timings |= commands.verify(many, rounds=scale.rounds)
    return Section(
        title=f"Commands, {many.name} events", timings=tuple(timings.values()), ratios=(), limits=tuple(limits)
    )


def _memory(many: ground.Ground, rebuilt: Sequence[ground.Ground]) -> Section:
    say("memory")
    limits = [
        Limit(
            what=name,
            value=commands.peak_anonymous_bytes(many, args) / MEGABYTE,
            limit=MEMORY_LIMIT_BYTES / MEGABYTE,
            unit="MB",
        )
        for name, args in commands.QUICK.items()
    ]
    rebuilds = [
        Limit(
            what=f"main rebuild, {each.name}",
            value=commands.peak_anonymous_bytes(each, ("rebuild",)) / MEGABYTE,
            unit="MB",
        )
        for each in rebuilt
    ]
    return Section(title="Anonymous memory, peak of one process", timings=(), ratios=(), limits=(*limits, *rebuilds))


def _folded_aside(many: ground.Ground, scale: Scale) -> Section:
    say("check and replay")
    timings, ratios = longlogs.folding(many, rounds=scale.rounds, clock=scale.clock)
    section = _section(f"Check and replay, {many.name} events, {scale.counted}", timings, ratios)
    return msgspec.structs.replace(section, limits=tuple(longlogs.fold_peaks(many)))


def _asked(folder: Path, many: ground.Ground, scale: Scale) -> Section:
    say("ask an archive")
    place = (folder / "asked").absolute()
    place.mkdir()
    backups.grow(many, 1)  # as a ledger in use: one whose last event is old records no backup
    archive = backups.back_up(many, place / "a.db")
    timings, ratios = longlogs.reading(archive, place, name=many.name, rounds=scale.rounds, clock=scale.clock)
    warm = longlogs.over_the_hash(archive, place, longlogs.LOGS, name=many.name, rounds=scale.rounds)
    section = _section(f"An archive asked by a command, {many.name} events, {scale.counted}", timings, ratios)
    peaks = longlogs.reading_peaks(archive, place, name=many.name)
    return msgspec.structs.replace(section, limits=(*warm, *peaks))


def _priced(folder: Path, mixed: ground.Ground, scale: Scale) -> Section:
    say("ask an archive for prices")
    place = (folder / "priced").absolute()
    place.mkdir()
    backups.grow(mixed, 1)
    archive = backups.back_up(mixed, place / "a.db")
    warm = longlogs.over_the_hash(archive, place, longlogs.PRICES, name=mixed.name, rounds=scale.rounds)
    title = f"A whole series asked of an archive, {mixed.name} events"
    return Section(title=title, timings=(), ratios=(), limits=tuple(warm))


def _backed_up(folder: Path, many: ground.Ground, scale: Scale) -> list[Section]:
    say("back up")
    place = (folder / "backups").absolute()
    place.mkdir()
    runs = (backups.backing_up, backups.reading_back)
    made, read = (run(many, place, rounds=scale.rounds, clock=scale.clock) for run in runs)
    return [
        _section(f"Backup, {many.name} events, {scale.counted}", *made),
        _section(f"Archive read back, {many.name} events, {scale.counted}", *read),
    ]


def _backup_memory(folder: Path, grounds: Sequence[ground.Ground]) -> Section:
    say("memory of backups")
    place = (folder / "backup-memory").absolute()
    place.mkdir()
    limits = tuple(backups.peaks(grounds, place))
    return Section(title="Backup, peak anonymous memory of one process", timings=(), ratios=(), limits=limits)


def _signed(folder: Path, grounds: Sequence[ground.Ground], scale: Scale) -> Section:
    say("sign checkpoints")
    limits = []
    for each in grounds[:2]:
        place = (folder / f"signed-{each.name.replace(' ', '-')}").absolute()
        place.mkdir()
        limits += checkpoints.figures(each, place, rounds=scale.rounds)
    place = (folder / "signed-peaks").absolute()
    place.mkdir()
    limits += checkpoints.peaks((grounds[0], grounds[2]), place)
    return Section(title="Checkpoints and proofs", timings=(), ratios=(), limits=tuple(limits))


def _imported(folder: Path, scale: Scale) -> Section:
    say("import COTAHIST")
    place = folder / "cotahist"
    place.mkdir()
    timings, peak_bytes = cotahist.contest(place, records=scale.cotahist, rounds=1)
    peers = [name for name in timings if name in cotahist.PEERS]
    ratios = [ratio(timings, cotahist.READ, peer, what="COTAHIST") for peer in peers]
    peak = Limit(what="main import-cotahist, peak anonymous memory", value=peak_bytes / MEGABYTE, unit="MB")
    section = _section(f"COTAHIST, a synthetic year of {scale.cotahist:,} records", timings, ratios)
    return msgspec.structs.replace(section, limits=(peak,))


def _section(title: str, timings: dict[str, Timing], ratios: list[Ratio], note: str = "") -> Section:
    return Section(title=title, timings=tuple(timings.values()), ratios=tuple(ratios), limits=(), note=note)


def say(words: str) -> None:
    """Print what is being done, on stderr."""
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
