"""The data files of an export, a folder a ticker and year, as Hive lays them out."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec

from cli.commands.prices.export.row import Exported, ExportedFile, FileFormat
from cli.render import csv_text, out_file, parquet

R = TypeVar("R", bound=Exported)


class ExportFiles:
    """The files written so far under `folder`, each row in the one of its ticker and year."""

    def __init__(self, folder: Path, file_format: FileFormat) -> None:
        self._folder, self.format = folder, file_format
        self.written: list[ExportedFile] = []

    def add(self, name: str, ticker: str, row_type: type[R], rows: Sequence[R]) -> None:
        """Write `rows`, which come by day, as the `name` of the ticker.

        Raises: MissingExtraError without pyarrow; DiskFullError; UnwritableError.
        """
        for year, of_year in groupby(rows, key=lambda row: row.date.year):
            # Readers of Hive's layout decode what is quoted: ^BVSP is a name that not every one of them takes bare.
            path = f"{name}/ticker={quote(ticker, safe='')}/year={year}/{name}.{self.format}"
            self._write(path, row_type, list(of_year))

    def _write(self, path: str, row_type: type[R], rows: Sequence[R]) -> None:
        content = _csv(rows, row_type) if self.format == "csv" else parquet.render(rows, row_type)
        target = self._folder / path
        target.parent.mkdir(parents=True)
        out_file.write(target, content)
        self.written.append(ExportedFile(path=path, rows=len(rows), sha256=sha256(content).hexdigest()))


def _csv(rows: Sequence[R], row_type: type[R]) -> bytes:
    """Return the rows as CSV; a number is the shortest text of its double, as in JSON."""
    return csv_text.render(row_type.__struct_fields__, (msgspec.to_builtins(row).values() for row in rows))
