"""What kind of paper an instrument is, by how the exchange lists it. Pure.

The market (TPMERC) tells contracts from papers. A paper's class is that of its ISIN, since a code's number does not
say it (11 is a unit, an ETF, a fund or a bonus) and CODBDI moves with the issuer's fortunes: shares of a company in
judicial recovery are under 08. Where an ISIN says nothing, as before 1995, ESPECI does, and CODBDI after that.
The tables that the exchange prints are incomplete: a code that is in none of these is `other`, never left out.

Source: docs/market.md, "Classes".
"""

from typing import Literal

from ledger.market.quotation import Listing

AssetClass = Literal[
    "share",
    "unit",
    "etf",
    "fii",
    "fiagro",
    "fund",
    "bdr",
    "right",
    "receipt",
    "bonus",
    "debenture",
    "option",
    "exercise",
    "term",
    "future",
    "other",
]

MARKETS: dict[str, AssetClass] = {
    "012": "exercise",
    "013": "exercise",
    "030": "term",
    "050": "future",
    "060": "future",
    "070": "option",
    "080": "option",
}
# The three letters of an ISIN after the issuer's four.
ISIN_TYPES: dict[str, AssetClass] = {
    "ACN": "share",
    "ARN": "share",
    "CDA": "unit",
    "UNT": "unit",
    "BDR": "bdr",
    "CTF": "fund",
    "DBS": "debenture",
}
# The first of them, where two digits follow: A04 is a share of another series, D01 a right.
ISIN_SERIES: dict[str, AssetClass] = {"A": "share", "D": "right", "N": "bonus", "R": "receipt"}
SPECIFICATIONS: dict[str, AssetClass] = {
    **dict.fromkeys(("ON", "PN", "PNA", "PNB", "PNC", "PND", "PNE", "PNF", "PNG", "PNH"), "share"),
    **dict.fromkeys(("DRN", "DR1", "DR2", "DR3", "DRE"), "bdr"),
    "UNT": "unit",
    "CI": "fund",
    "FID": "fund",
    "DIR": "right",
    "REC": "receipt",
    "BNS": "bonus",
}
BDI_CODES: dict[str, AssetClass] = {
    "12": "fii",
    "13": "fiagro",
    "14": "etf",
    "22": "bonus",
    "34": "bdr",
    "35": "bdr",
    "36": "bdr",
    "66": "debenture",
    "68": "debenture",
    "83": "debenture",
}
FUNDS: frozenset[AssetClass] = frozenset({"fii", "fiagro", "etf"})  # which kind of fund, CODBDI alone says

_ISIN_CHARS = 12


def asset_class(listing: Listing) -> AssetClass:
    """Return the class of what is listed so."""
    if (contract := MARKETS.get(listing.market)) is not None:
        return contract
    by_bdi, kind = BDI_CODES.get(listing.bdi, "other"), isin_type(listing.isin)
    found = (
        ISIN_TYPES.get(kind)
        or (ISIN_SERIES.get(kind[:1]) if kind[1:].isdigit() else None)
        or SPECIFICATIONS.get(listing.specification[:3].rstrip())
        or by_bdi
    )
    return by_bdi if found == "fund" and by_bdi in FUNDS else found


def isin_type(isin: str) -> str:
    """Return the three letters and digits of an ISIN that say what it is, nothing of a code that is none."""
    return isin[6:9] if len(isin) == _ISIN_CHARS and isin[:2].isalpha() else ""


def isin_issuer(isin: str) -> str:
    """Return the four letters of an ISIN that name the issuer, of an option the underlying's; nothing as above."""
    return isin[2:6] if isin_type(isin) else ""
