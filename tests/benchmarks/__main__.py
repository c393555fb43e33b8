"""Measure everything and say so: `python -m tests.benchmarks [--quick] [--json F] [--markdown docs/benchmarks.md]`."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from tests.benchmarks import (
    appends,
    audit,
    backups,
    checkpoints,
    commands,
    cotahist,
    ground,
    meaning,
    reading,
    report,
)
from tests.benchmarks.measure import Ratio, Timing, over, ratio
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


@click.command()
@click.option("--quick", is_flag=True, help="A twentieth of everything: does it run at all.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure here.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the tables here.")
def main(*, quick: bool, json_file: Path | None, markdown: Path | None) -> None:
    """Measure the core beside its peers and print the tables."""
    scale = QUICK if quick else FULL
    with tempfile.TemporaryDirectory(prefix="b3-ledger-bench-", dir=".") as name:
        sections = _measure(Path(name), scale)
    text = report.markdown(sections)
    click.echo(text)
    if markdown:
        markdown.write_text(text, "utf-8")
    if json_file:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(sections)))


def _measure(folder: Path, scale: Scale) -> list[Section]:
    say("building the ledgers")
    many = ground.small(folder / "small", scale.small)
    fewer = ground.small(folder / "fewer", scale.small // 10)
    mixed = ground.realistic(folder / "realistic", scale.realistic)
    return [
        *(_batched(folder, name, scale) for name in ("small", "realistic")),
        *(_verified(each, scale) for each in (many, mixed)),
        _meant(mixed, scale),
        *_audited(folder, scale),
        *(_folded(folder, each, scale) for each in (many, mixed)),
        _caught_up(many, scale),
        _commands(many, scale),
        _memory(many, (fewer, many, mixed)),
        *_backed_up(folder, fewer, many, scale),
        _signed(folder, (fewer, mixed, many), scale),
        _imported(folder, scale),
        _single(folder, many, scale),
    ]


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


def _backed_up(folder: Path, fewer: ground.Ground, many: ground.Ground, scale: Scale) -> list[Section]:
    say("back up")
    place = (folder / "backups").absolute()
    place.mkdir()
    made, read = (run(many, place, rounds=scale.rounds) for run in (backups.backing_up, backups.reading_back))
    sections = [
        _section(f"Backup, {many.name} events", *made),
        _section(f"Archive read back, {many.name} events", *read),
    ]
    limits = tuple(backups.peaks((fewer, many), place))
    return [
        *sections,
        Section(title="Backup, peak anonymous memory of one process", timings=(), ratios=(), limits=limits),
    ]


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
