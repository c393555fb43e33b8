"""Corporate actions that a person writes down, a line and a reason each."""

from ledger.ingest.providers.port import Description

DESCRIPTION = Description(
    name="manual",
    basis="as_traded",
    rows="ledger.ingest.providers.manual.sheet:raw_bars",
    reading="ledger.ingest.providers.manual.sheet:reading",
    names_actions=True,
    has_sessions=False,
    withdraws_actions=True,
)
