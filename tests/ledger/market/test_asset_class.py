"""An instrument's class is that of its ISIN, else of ESPECI, else of CODBDI; the market tells contracts."""

from typing import get_args

import pytest
from msgspec.structs import replace

from ledger.market import asset_class
from ledger.market.asset_class import AssetClass
from ledger.market.quotation import Listing

PETR4 = Listing("BRPETRACNPR6", "PETROBRAS", "PN      N2", "010", "02", 1, "R$", 100, None, None, None)


@pytest.mark.parametrize(
    ("wanted", "isin", "specification", "market", "bdi"),
    [
        ("share", "BRPETRACNPR6", "PN      N2", "010", "02"),
        ("share", "BROIBRACNOR1", "ON      N1", "010", "08"),  # in judicial recovery
        ("share", "BRBBASA04OR0", "ON  REC", "010", "02"),  # a series of its own
        ("share", "BRPETRACNPR6", "PN      N2", "020", "96"),
        ("share", "BRPETRACNPR6", "PN      N2", "017", "46"),
        ("share", "", "PNA EJ", "010", "02"),  # before there were ISINs
        ("share", "4PETR0000004", "PN  *", "010", "02"),
        ("unit", "BRBPACUNT006", "UNT     N2", "010", "02"),
        ("unit", "BRTAEECDAM10", "UNT     N2", "010", "02"),
        ("etf", "BRBOVACTF003", "CI", "010", "14"),
        ("fii", "BRHGLGCTF004", "CI  ER", "010", "12"),
        ("fiagro", "BRSNAGCTF002", "CI", "010", "13"),
        ("fund", "BRXXXXCTF009", "CI", "010", "05"),
        ("fii", "", "CI", "010", "12"),
        ("bdr", "BRAAPLBDR004", "DRN", "010", "34"),
        ("bdr", "BRAAPLBDR004", "DRN", "010", "02"),  # as until 2024
        ("bdr", "BRIVVBBDR000", "DRE", "010", "36"),
        ("right", "BRPETRD01OR5", "DIR ORD", "010", "10"),
        ("receipt", "BRAMERR02OR1", "REC ORD", "010", "10"),
        ("bonus", "BRAMERN01M13", "BNS ORD", "010", "22"),
        ("debenture", "BRVALEDBS028", "", "010", "66"),
        ("option", "BRPETRACNPR6", "PN      N2", "070", "78"),
        ("option", "BRIBOVINDM18", "IBO", "080", "75"),
        ("exercise", "BRPETRACNPR6", "PN      N2", "012", "38"),
        ("exercise", "BRPETRACNPR6", "PN      N2", "013", "42"),
        ("term", "BRPETRACNPR6", "PN      N2", "030", "62"),
        ("future", "BRPETRACNPR6", "PN", "050", "70"),
        ("other", "BRXXXXTPR000", "TPR", "010", "99"),
        ("other", "", "", "010", "00"),
    ],
)
def test_every_kind_has_its_class(wanted: AssetClass, isin: str, specification: str, market: str, bdi: str) -> None:
    """As genuine days have them."""
    listing = replace(PETR4, isin=isin, specification=specification, market=market, bdi=bdi)
    assert wanted == asset_class.asset_class(listing)


def test_the_number_of_a_code_decides_nothing() -> None:
    """What ends in 11 is a unit, an ETF, a fund or a bonus."""
    assert "code" not in Listing.__struct_fields__


def test_every_class_is_in_a_table() -> None:
    """But for what is in none."""
    tables = (asset_class.MARKETS, asset_class.ISIN_TYPES, asset_class.ISIN_SERIES, asset_class.SPECIFICATIONS)
    found = {one for table in (*tables, asset_class.BDI_CODES) for one in table.values()}
    assert set(get_args(AssetClass)) - {"other"} == found
