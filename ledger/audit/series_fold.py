"""Every series as its decisions lead to it, in constant memory: by it, states are known without any read model."""

from collections.abc import Iterable
from datetime import date

import msgspec
from blake3 import blake3

from ledger.codec import UNDECODABLE, Envelope, decode_as
from ledger.errors import DamagedError
from ledger.events import ValidationCompleted
from ledger.files.scratch import ScratchMap
from ledger.ingest.rules.actions import in_force
from ledger.ingest.rules.commitment import ACCEPTED
from ledger.ingest.rules.held import Held, Reach, beside
from ledger.market.series import Series
from ledger.market.series_state import array_of, state
from ledger.values import Action, Bar, Basis, Count, Finding, Hash, Rank, Verdict, Window

_encode = msgspec.msgpack.Encoder().encode
_decode_bars = msgspec.msgpack.Decoder(list[Bar]).decode


class SeriesDecision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a decision says of its series; `before` and `after` None where it commits to nothing."""

    ticker: str
    provider: str
    basis: Basis
    rules_version: Count
    verdict: Verdict
    window: Window
    received: Count
    bars: tuple[Bar, ...]
    actions: tuple[Action, ...]
    before: Hash | None = None
    after: Hash | None = None
    rank: Rank | None = None
    withdrawn: tuple[date, ...] = ()
    partial: tuple[date, ...] = ()
    rejected: tuple[Finding, ...] = ()

    @property
    def series(self) -> Series:
        """The series that it decides on."""
        return Series(self.ticker, self.provider)

    @property
    def accepted(self) -> bool:
        """Whether its answer was accepted, if only in part."""
        return self.verdict in ACCEPTED


class HeldYear(msgspec.Struct, array_like=True):
    """A calendar year of a series: its leaf, how many bars it has, and the last of their days."""

    leaf: bytes
    bars: int
    last: date


class HeldSeries(msgspec.Struct, array_like=True):
    """A series between two decisions, but for its bars; `seq` is the newest accepted decision's, -1 before any.

    `rules_version` is the newest decision's. `state` is None where nothing has asked for it since a change.
    """

    basis: Basis | None = None
    rules_version: int = 0
    seq: int = -1
    state: bytes | None = None
    actions: tuple[Action, ...] = ()
    years: dict[int, HeldYear] = {}


_decode_held = msgspec.msgpack.Decoder(HeldSeries).decode
_decode_decision = msgspec.msgpack.Decoder(SeriesDecision).decode


def series_decision(envelope: Envelope) -> SeriesDecision | None:
    """Return what the event in `envelope` decides on its series, of whichever version; None where it is no decision.

    Raises: DamagedError; UnknownEventError.
    """
    if envelope.type == ValidationCompleted.TAG:
        try:
            return _decode_decision(envelope.data)
        except UNDECODABLE as error:
            raise DamagedError(envelope.seq, "data", expected=envelope.type, found=str(error)) from error
    if not envelope.type.startswith(ValidationCompleted.TAG.partition("/")[0]):
        return None
    event = decode_as(envelope, ValidationCompleted)
    return SeriesDecision(**{name: getattr(event, name) for name in SeriesDecision.__struct_fields__})


def commits(envelope: Envelope) -> bool:
    """Return whether the event in `envelope` is of a version whose decisions name the states that they lead to."""
    return envelope.type == ValidationCompleted.TAG


class SeriesFold:
    """All series of a log, decision by decision from seq 0 on."""

    def __init__(self, scratch: ScratchMap) -> None:
        self._scratch = scratch

    def held(self, series: Series) -> HeldSeries:
        """Return the series, but for its bars."""
        stored = self._scratch.get(_key(series))
        return HeldSeries() if stored is None else _decode_held(stored)

    def bars(self, series: Series) -> dict[date, Bar]:
        """Return the bars in force, in order of days."""
        found: dict[date, Bar] = {}
        for year, known in sorted(self.held(series).years.items()):
            found |= {bar.date: bar for bar in self._bars_of(series, year, known)}
        return found

    def part(self, series: Series, reach: Reach) -> Held:
        """Return the series as it is held now, as far as `reach` looks: of whole years, and the leaves of all."""
        held = self.held(series)
        known, bars = sorted(held.years), dict[int, list[Bar]]()

        def year(one: int) -> list[Bar]:
            if one not in bars:
                bars[one] = self._bars_of(series, one, held.years[one])
            return bars[one]

        first, last = reach.days.start, reach.days.end
        looked_at = {one for one in known if first.year <= one <= last.year}
        if reach.ends:
            looked_at.update(known[:1], known[-1:])
        before = (
            bar for one in reversed(known) if one <= first.year for bar in reversed(year(one)) if bar.date < first
        )
        after = (bar for one in known if one >= last.year for bar in year(one) if bar.date > last)
        for away in (before, after):
            looked_at.update(bar.date.year for bar in beside(away))
        leaves = {one: held.years[one].leaf for one in known}
        found = {bar.date: bar for one in sorted(looked_at) for bar in year(one)}
        return Held(found, held.actions, held.basis, reach, leaves)

    def state(self, series: Series, basis: Basis) -> bytes:
        """Return the state that a decision finds; of a series without one, under `basis`."""
        held = self.held(series)
        return held.state if held.state is not None else _state(series, held, held.basis or basis)

    def apply(self, seq: int, decision: SeriesDecision, *, committing: bool) -> bytes | None:
        """Hold what the decision at `seq` leads to, and return that state, where it is `committing` to one.

        Costs the years that it touches.
        """
        series = decision.series
        held, before = self.held(series), self.state(series, decision.basis) if committing else None
        if decision.accepted:
            self._put_bars(series, held, decision.bars)
            kept, window = held.actions, decision.window
            if decision.received and not committing:
                # A decision of version 1 is complete for its window.
                kept = tuple(action for action in kept if not window.start <= action.ex_date <= window.end)
            held.actions = in_force(kept, decision.actions)
            held.seq = seq
            held.state = _state(series, held, decision.basis) if committing else None
        elif committing:
            held.state = before
        held.basis, held.rules_version = decision.basis, decision.rules_version
        self._scratch.put(_key(series), _encode(held))
        return held.state

    def _put_bars(self, series: Series, held: HeldSeries, bars: Iterable[Bar]) -> None:
        by_year: dict[int, list[Bar]] = {}
        for bar in bars:
            by_year.setdefault(bar.date.year, []).append(bar)
        for year, fresh in by_year.items():
            known, key = held.years.get(year), _key(series, year)
            joined, count, others = b"", 0, list[Bar]()
            if known is not None and known.last < min(bar.date for bar in fresh):
                joined, count = self._stored(key), known.bars
            elif known is not None:
                others = self._bars_of(series, year, known)
            ordered = [bar for _, bar in sorted({bar.date: bar for bar in (*others, *fresh)}.items())]
            joined, count = joined + b"".join(map(_encode, ordered)), count + len(ordered)
            self._scratch.put(key, joined)
            held.years[year] = HeldYear(blake3(array_of(count, joined)).digest(), count, ordered[-1].date)

    def _bars_of(self, series: Series, year: int, known: HeldYear) -> list[Bar]:
        return _decode_bars(array_of(known.bars, self._stored(_key(series, year))))

    def _stored(self, key: bytes) -> bytes:
        stored = self._scratch.get(key)
        assert stored is not None  # noqa: S101 - put beside the year that names it
        return stored


def _state(series: Series, held: HeldSeries, basis: Basis) -> bytes:
    return state(series, basis, {year: known.leaf for year, known in held.years.items()}, held.actions)


def _key(series: Series, year: int | None = None) -> bytes:
    # Two strings in msgpack: no such pair begins another.
    name = _encode((series.provider, series.ticker))
    return b"s" + name if year is None else b"y" + name + year.to_bytes(2, "big")
