"""The data files of an export as one tool reads them: zipline's csvdir, qlib's binary features, beancount's prices.

Each takes prices as its own arithmetic wants them: zipline and beancount as the series has them, the former with what
a share was paid and became beside them; qlib adjusted, with the factor that leads back.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cli.commands.prices.export.files import Sink, adjusted_since
from cli.commands.prices.export.row import ExportedFile, ExportedSeries, FileFormat, Layout
from cli.render import csv_text
from ledger.market import sessions as calendar
from ledger.market.price import price_text
from ledger.market.series import Series
from ledger.market.ticker import currency, short
from ledger.values import Window
from projections.api.returns import adjusted_series
from projections.models.bar_columns import EPOCH_ORDINAL
from projections.queries.adjusted import AdjustmentRule
from projections.relations.block import MICROS, Block
from projections.relations.sessions import SeriesRows, sessions
from projections.store.store import View

ENTITLEMENTS = ("dividend", "split")
BARS = ("open", "high", "low", "close", "volume")
NOTHING = (0.0, 1.0)  # paid, and how many shares one became


class HandedSeries(NamedTuple):
    """The rows of one series, and from where they were read: what its actions were is read again from there."""

    part: SeriesRows
    rows: Block
    view: View
    position: int
    rule: AdjustmentRule

    @property
    def days(self) -> list[date]:
        """The days of the rows."""
        return [date.fromordinal(int(day) + EPOCH_ORDINAL) for day in self.rows.columns["date"].values]

    def exported(self, days: list[date], actions: int = 0) -> ExportedSeries:
        """Return what the manifest says of it, where the rows of `days` are in the files."""
        return ExportedSeries(
            ticker=self.part.series.ticker,
            provider=self.part.series.provider,
            basis=self.part.judged[-1].basis,
            first=days[0],
            last=days[-1],
            prices=len(days),
            actions=actions,
            adjusted_since=adjusted_since(self.rows, [(0, len(self.rows))])[0],
        )


class ToolFiles(ABC):
    """The files under `folder` for one tool, to which series come by ticker."""

    format: ClassVar[FileFormat]
    layout: ClassVar[Layout] = "own"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.written: list[ExportedFile] = []

    def fill(
        self, view: View, wanted: Iterable[Series], position: int, rule: AdjustmentRule
    ) -> Iterator[ExportedSeries]:
        """Write these series, and yield what is in the files of each; one of which nothing is there is left out.

        Raises: DiskFullError; UnwritableError.
        """
        for found in sessions(view, wanted, position, adjusted=rule):
            for part in found.parts:
                rows = found.block.taken(slice(part.start, part.stop))
                if exported := self.add(HandedSeries(part, rows, view, position, rule)):
                    yield exported

    @abstractmethod
    def add(self, one: HandedSeries) -> ExportedSeries | None:
        """Write a series, or keep it until the end; None where it has nothing for this tool."""

    def put(self, path: str, content: bytes, rows: int) -> None:
        """Write one file, whole."""
        sink = Sink(self._folder / path)
        sink.rows = rows
        sink.write(content)
        self.end(sink)

    def end(self, sink: Sink) -> None:
        """Finish a file."""
        sink.close()
        self.written.append(sink.exported(self._folder))

    def close(self) -> None:
        """Finish every file."""
        self.written.sort(key=lambda file: file.path)


class ZiplineFiles(ToolFiles):
    """`daily/PETR4.csv`, as zipline's bundle `csvdir` reads it: prices as held, and what changed what a share is worth.

    A session of the exchange's that is not held has a row without prices and shares: zipline wants each of its
    calendar between the first and the last.
    """

    format = "zipline"

    def add(self, one: HandedSeries) -> ExportedSeries:
        """Write its file."""
        days, entitled = one.days, entitlements(one)
        held = dict(zip(days, zip(*one.rows.only(BARS).plain().values(), strict=True), strict=True))
        unheld = (None, None, None, None, 0)
        lines = [
            (day, *held.get(day, unheld), *entitled.get(day, NOTHING))
            for day in sorted({*days, *calendar.sessions(Window(days[0], days[-1]))})
        ]
        path = f"daily/{short(one.part.series.ticker)}.csv"
        self.put(path, csv_text.render(("date", *BARS, *ENTITLEMENTS), lines), len(lines))
        return one.exported(days, len(entitled))


def entitlements(one: HandedSeries) -> dict[date, tuple[float, float]]:
    """Return what a share of the session before was paid and how many it became, by the session that says so first.

    A right to subscribe is worth what the adjustment gives for it. The product of `(1 - paid / close before) / became`
    over later sessions is a session's factor, exactly but for the last step into doubles.
    """
    factor, missing = one.rows.columns["factor"].values, one.rows.columns["factor"].missing
    if np.all((factor == 1) | missing):
        return {}
    known = adjusted_series(one.view.state, one.part.series, one.position, one.rule.order)
    whole, shares = known.total, known.splits
    closes = dict(zip(one.days, one.rows.columns["close"].values.tolist(), strict=True))
    found = {}
    for before, day in pairwise(whole):
        became = shares[day] / shares[before]
        paid = Fraction(round(closes[before] * MICROS), MICROS) * (1 - whole[before] / whole[day] * became)
        if paid or became != 1:
            found[day] = (float(paid), float(became))
    return found


class QlibFiles(ToolFiles):
    """`calendars/day.txt`, `instruments/all.txt` and `features/petr4/close.day.bin`, as qlib reads them.

    A feature is a float32 for each day of the calendar from the series' first, NaN where it has none, after the place
    of that first day. Sessions without a known factor are left out, since there prices cannot be adjusted.
    """

    format = "qlib"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._kept: dict[str, tuple[NDArray[Any], dict[str, NDArray[Any]]]] = {}

    def add(self, one: HandedSeries) -> ExportedSeries | None:
        """Keep its features until all days of the calendar are known."""
        cells = one.rows.columns
        known = ~np.asarray(cells["factor"].missing)
        if not known.any():
            return None
        factor = cells["factor"].values
        features = {
            **{name: cells[f"adj_{name}"].values for name in BARS[:-1]},
            "volume": cells["volume"].values / factor,
            "factor": factor,
        }
        self._kept[short(one.part.series.ticker)] = (
            cells["date"].values[known],
            {name: values[known].astype("<f4") for name, values in features.items()},
        )
        return one.exported([day for day, there in zip(one.days, known.tolist(), strict=True) if there])

    def close(self) -> None:
        """Write every file."""
        days = np.unique(np.concatenate([of for of, _ in self._kept.values()] or [np.array([], np.int64)]))
        names = [date.fromordinal(int(day) + EPOCH_ORDINAL).isoformat() for day in days]
        instruments = []
        for name, (of, features) in self._kept.items():
            places = np.searchsorted(days, of)
            first, last = int(places[0]), int(places[-1])
            instruments.append(f"{name}\t{names[first]}\t{names[last]}\n")
            for feature, values in features.items():
                aligned = np.full(last - first + 2, np.nan, "<f4")
                aligned[0] = first
                aligned[places - first + 1] = values
                self.put(f"features/{name.lower()}/{feature}.day.bin", aligned.tobytes(), last - first + 1)
        self.put("calendars/day.txt", "".join(f"{name}\n" for name in names).encode(), len(names))
        self.put("instruments/all.txt", "".join(instruments).encode(), len(instruments))
        super().close()


class BeancountFiles(ToolFiles):
    """`prices.beancount`: a `price` directive per close, the decimal that is held, in the currency of the series."""

    format = "beancount"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._sink: Sink | None = None

    def add(self, one: HandedSeries) -> ExportedSeries:
        """Add its directives."""
        self._sink = self._sink or Sink(self._folder / "prices.beancount")
        series, days = one.part.series, one.days
        name, unit = commodity(series.ticker), currency(series.ticker)
        closes = (price_text(round(close * MICROS)) for close in one.rows.columns["close"].values.tolist())
        lines = (f"{day} price {name} {close} {unit}\n" for day, close in zip(days, closes, strict=True))
        heading = f"; {series.ticker}, {series.provider}, {one.part.judged[-1].basis}\n"
        self._sink.write((heading + "".join(lines)).encode())
        self._sink.rows += len(days)
        return one.exported(days)

    def close(self) -> None:
        """Finish the file."""
        if self._sink:
            self.end(self._sink)


def commodity(ticker: str) -> str:
    """Return the ticker as beancount can write it; no two tickers are one.

    `PETR4.SA` is PETR4, `^BVSP` is INDEX.BVSP, a code that begins with a digit stands after `B3.`, and the marks of a
    series are written with `_` and `-`.
    """
    name = short(ticker)
    if name.startswith("^"):
        return f"INDEX.{name[1:]}"
    name = name.replace("@", "_").replace("~", "-")
    return f"B3.{name}" if name[0].isdigit() else name


TOOLS: dict[str, type[ToolFiles]] = {"zipline": ZiplineFiles, "qlib": QlibFiles, "beancount": BeancountFiles}
