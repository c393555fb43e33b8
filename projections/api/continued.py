"""The prices of a ticker and of what it was and became under other codes, joined where a person recorded it.

All are on the scale of the newest code: prices of an older one are multiplied by the ratio in which its shares were
exchanged, and by the later splits that the newer series is adjusted for. Pure and exact, up to a millionth of a real.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import prod

import msgspec
from msgspec.structs import replace

from ledger.errors import NothingToShowError
from ledger.ingest.rules.actions import SIZED
from ledger.market.series import Series
from ledger.values import Action, Bar, Basis
from projections.api import series_rows
from projections.api.rows import AdjustedPrice, Price
from projections.fold.tables import State
from projections.models import decisions, metrics, prices, retirements
from projections.models.retirements import Retirement
from projections.models.units import reais
from projections.queries.adjusted import AS_USUAL, ONE, AdjustmentRule, adjusted_fields, factors, known_actions
from projections.queries.bar_fields import PRICES


class _Part(msgspec.Struct, frozen=True):
    """What one series adds: its sessions of some days, its prices times `scale`, its factors times `lead`.

    Nobody was asked for its actions before `since`; a `lead` of None is not known.
    """

    series: Series
    bars: dict[date, Bar]
    actions: tuple[Action, ...]
    since: date
    basis: Basis
    scale: Fraction
    lead: Fraction | None


def codes(ended: Mapping[str, Retirement], ticker: str) -> list[str]:
    """Return the codes under which `ticker` was traded, oldest first, by what is recorded of those that `ended`.

    Raises: NothingToShowError where several go on as one of them.
    """
    found = [ticker]
    while before := [one.ticker for one in ended.values() if one.into == found[0] and one.ticker not in found]:
        if len(before) > 1:
            message = f"{' and '.join(sorted(before))}, which all go on as {found[0]}"
            raise NothingToShowError(message, wanted="the prices of one of them")
        found.insert(0, before[0])
    while (last := ended.get(found[-1])) is not None and last.into is not None and last.into not in found:
        found.append(last.into)
    return found


def continued(
    state: State, ticker: str, position: int, *, chosen: Callable[[str], Series], adjusting: AdjustmentRule | None
) -> Iterator[Price]:
    """Yield a row per session of every code of `ticker`, oldest first; each names its own code.

    `chosen` returns which series of a ticker to read. Where `adjusting` the rows are of `AdjustedPrice`. The provider's
    own adjusted closes of older codes are left out: they know nothing of what came after.

    Raises: NothingToShowError where a code has no sessions to join, or two are on different bases; what `chosen` does.
    """
    ended = retirements.in_force(state[metrics.NAME], position)
    tables, names = state[prices.NAME], codes(ended, ticker)
    rule = adjusting or AS_USUAL
    parts = _parts(state, [chosen(name) for name in names], [ended[name] for name in names[:-1]], position, rule)
    for part in parts:
        own = factors(part.bars, part.actions, part.basis, rule.scope) if adjusting else {}
        for row in (
            series_rows.adjusted_prices(state, part.series, position, adjusting)
            if adjusting
            else series_rows.prices(tables, part.series, position)
        ):
            if row.date in part.bars:
                known = part.lead if row.date >= part.since else None
                factor = None if known is None else own.get(row.date, ONE) * known
                yield row if part is parts[-1] else _joined(row, part, factor)


def _parts(
    state: State, series: Sequence[Series], ends: Sequence[Retirement], position: int, rule: AdjustmentRule
) -> list[_Part]:
    """Return what each of `series` adds, oldest first; `ends` are how each but the last one ended."""
    tables, parts = state[prices.NAME], list[_Part]()
    for number in reversed(range(len(series))):
        until = ends[number].on if number < len(ends) else date.max
        after = ends[number - 1].on if number else date.min
        newest = decisions.newest(tables, series[number])
        held = prices.bars(tables, series[number], position)
        if newest is None:
            raise NothingToShowError(f"no session of {series[number].ticker} to join", wanted="at least one")
        known = known_actions(state, series[number], newest.basis, position, rule)
        part = _Part(
            series=series[number],
            bars={day: bar for day, bar in held.items() if after < day <= until},
            actions=tuple(one for one in known.actions if after < one.ex_date <= until),
            since=date.max if known.since is None else known.since,
            basis=newest.basis,
            scale=ONE,
            lead=ONE,
        )
        if not part.bars:
            raise NothingToShowError(f"no session of {part.series.ticker} to join", wanted="at least one")
        if parts and parts[0].basis != part.basis:
            bases = f"{part.series.ticker} {part.basis} and {parts[0].series.ticker} {parts[0].basis}"
            raise NothingToShowError(bases, wanted="both on one basis: one --source")
        parts.insert(0, _onto(part, parts[0], ends[number], rule) if parts else part)
    return parts


def _onto(part: _Part, later: _Part, end: Retirement, rule: AdjustmentRule) -> _Part:
    """Return `part`, which ended so, on the scale of what it went on as, with the factor of what was paid since."""
    ratios = [(one.denominator, one.numerator) for one in later.actions if one.kind in SIZED]
    splits = prod((Fraction(old, new) for old, new in ratios if old and new), start=ONE)
    scale = Fraction(end.denominator, end.numerator) * (splits if later.basis == "split_adjusted" else ONE)
    last = max(part.bars)
    # What is paid after the change of codes is a share of the last close before it, on the later one's scale.
    joined = {last: replace(part.bars[last], close=max(round(part.bars[last].close * scale), 1)), **later.bars}
    lead = None
    if later.lead is not None and later.since <= min(later.bars):
        lead = factors(joined, later.actions, later.basis, rule.scope)[last] * later.lead
    return replace(part, scale=scale * later.scale, lead=lead)


def _joined(row: Price, part: _Part, factor: Fraction | None) -> Price:
    bar, scale = part.bars[row.date], part.scale
    values: dict[str, object] = {name: reais(round(getattr(bar, name) * scale)) for name in PRICES}
    values |= {"volume": round(row.volume / scale), "provider_adj_close": None}
    if isinstance(row, AdjustedPrice):
        values["factor"] = None if factor is None else float(factor)
        values |= adjusted_fields(bar, None if factor is None else scale * factor)
    return replace(row, **values)
