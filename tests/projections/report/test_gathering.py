"""A page of all tickers has a section of each that a provider was asked for, and of the first that files brought."""

from projections.report.gathering import BY_HAND_SECTIONS_MAX, without_section

ASKED = {f"ASKD{number}.SA": "yfinance" for number in range(10, 40)}
PAPERS = {f"PAPR{number}.SA": "cotahist" for number in range(10, 25)}
CONTRACTS = {f"AAAA{number}@2025-01-17.SA": "cotahist" for number in range(10, 20)}
AUCTIONS = {f"PAPR{number}@M017.SA": "cotahist" for number in range(10, 12)}


def test_papers_come_first_and_what_shares_a_code_after_them() -> None:
    """Where there are more than a page takes, by name; of those that a provider was asked for none is left out."""
    last = BY_HAND_SECTIONS_MAX - len(PAPERS)
    left = sorted([*CONTRACTS, *AUCTIONS])[last:]
    assert frozenset(left) == without_section({**CONTRACTS, **ASKED, **AUCTIONS, **PAPERS}, {})
    assert 7 == len(left)


def test_nothing_is_left_out_where_all_have_room() -> None:
    """Down to the last place."""
    assert frozenset() == without_section({**ASKED, **PAPERS}, {})
    full = dict(list(CONTRACTS.items())[: BY_HAND_SECTIONS_MAX - len(PAPERS)])
    assert frozenset() == without_section({**full, **PAPERS}, {})
