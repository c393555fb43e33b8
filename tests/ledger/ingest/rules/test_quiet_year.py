"""A quiet year raises nothing, and what is put into one is found exactly: in short here, in full as a campaign."""

import pytest

from tests.ledger.ingest.rules.injected import FAULTS, TICKERS, WALKS, Fault, disturbed, missed
from tests.ledger.ingest.rules.walks import SCALES, walk

IN_SHORT = slice(None, None, 7)  # of the seeds: every scale comes up


def test_a_quiet_year_raises_nothing() -> None:
    """No row is rejected, no flag raised, and no warning given: dividends and splits are as real ones."""
    seeds = range(TICKERS)[IN_SHORT]
    assert len(SCALES) == len({seed % len(SCALES) for seed in seeds})
    assert {} == disturbed(seeds)
    told = [offer.kind for seed in seeds for offer in walk(seed, actions=True).offers]
    assert {"dividend", "split"} == set(told)


@pytest.mark.campaign
def test_a_quiet_year_of_300_tickers_raises_nothing() -> None:
    """All of them."""
    assert {} == disturbed(range(TICKERS))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.text)
def test_a_fault_is_found_exactly(fault: Fault) -> None:
    """The findings of its row of the table, on their days, and no others."""
    assert {} == missed(fault, range(WALKS)[IN_SHORT])


@pytest.mark.campaign
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.text)
def test_a_fault_is_found_exactly_on_20_walks(fault: Fault) -> None:
    """Of three price scales."""
    assert {} == missed(fault, range(WALKS))


def test_faults_are_of_different_kinds() -> None:
    """At least 40, each under a name of its own."""
    assert len({fault.text for fault in FAULTS}) == len(FAULTS) >= 40
