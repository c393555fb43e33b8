"""The data files of an export, a folder per ticker and year, as Hive lays them out."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec

from cli.commands.prices.export.row import ExportedFile, FileFormat
from cli.render import csv_text, out_file, parquet
from ledger.files.durable import make_folder
from projections.api.faces import to_columns
from projections.api.rows import AdjustedPrice, CorporateAction

R = TypeVar("R", AdjustedPrice, CorporateAction)


class ExportFiles:
    """The files written so far under `folder`, each row in the one of its ticker and year."""

    def __init__(self, folder: Path, file_format: FileFormat) -> None:
        self._folder, self.format = folder, file_format
        self.written: list[ExportedFile] = []

    def add(self, name: str, ticker: str, row_type: type[R], rows: Sequence[R], columns: Sequence[str]) -> None:
        """Write `columns` of `rows`, which come by day, as the `name` of the ticker.

        Raises: MissingExtraError without pyarrow; DiskFullError; UnwritableError.
        """
        for year, of_year in groupby(rows, key=lambda row: row.date.year):
            # Readers of Hive's layout decode what is quoted: ^BVSP is a name that not every one of them takes bare.
            path = f"{name}/ticker={quote(ticker, safe='')}/year={year}/{name}.{self.format}"
            table = to_columns(row_type, of_year, columns)
            if self.format == "csv":
                # A number is the shortest text of its double, as in JSON.
                lines = zip(*table.plain().values(), strict=True)
                content = csv_text.render(columns, (msgspec.to_builtins(line) for line in lines))
            else:
                content = parquet.render(table)
            target = self._folder / path
            make_folder(target.parent)
            out_file.write(target, content)
            self.written.append(ExportedFile(path=path, rows=len(table), sha256=sha256(content).hexdigest()))
