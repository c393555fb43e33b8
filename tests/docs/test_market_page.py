"""docs/market.md names every field of the layout and every class."""

import re
from typing import get_args

from ledger.market import asset_class
from ledger.market.asset_class import AssetClass
from projections.api.rows import MarketPrice
from tests.ledger.ingest.providers.cotahist.fields.test_quotations import COLUMNS
from tests.support.cli import REPOSITORY

PAGE = (REPOSITORY / "docs" / "market.md").read_text("utf-8")
FIELDS, CLASSES = (PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0] for title in ("Fields", "Classes"))


def test_every_field_of_the_layout_is_in_the_table() -> None:
    """Once, in the layout's words, with the name of a row's field beside it."""
    rows = re.findall(r"^\| ([A-Z ]+) \| ([^|]*)\|", FIELDS, re.MULTILINE)
    assert sorted(COLUMNS) == sorted(word for words, _ in rows for word in words.split())
    named = {name for _, names in rows for name in re.findall(r"`(\w+)`", names)}
    assert set() == named - set(MarketPrice.__struct_fields__)


def test_every_class_has_its_row_with_what_decides_it() -> None:
    """In the order of the code, as its tables have it."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*?) ?\| ([^|]*?) ?\| ([^|]*?) ?\| ([^|]*?) ?\|$", CLASSES, re.MULTILINE)
    assert list(get_args(AssetClass)) == [name for name, *_ in rows]
    for name, market, isin, specification, bdi in rows:
        assert [code for code, found in asset_class.MARKETS.items() if found == name] == re.findall(r"\d+", market)
        types = [code for code, found in asset_class.ISIN_TYPES.items() if found == name]
        series = [code for code, found in asset_class.ISIN_SERIES.items() if found == name]
        if name not in asset_class.FUNDS:
            assert [*types, *(f"{code} and two digits" for code in series)] == (isin.split(", ") if isin else [])
        first = [code for code, found in asset_class.SPECIFICATIONS.items() if found == name][:1]
        if first:
            assert specification.startswith(first[0])
        codes = [code for code, found in asset_class.BDI_CODES.items() if found == name]
        assert codes == re.findall(r"\d+", bdi)
