"""The exchange's own list of corporate actions: the supplement of a company, and the history of what it paid."""

from ledger.ingest.providers.port import Description

DESCRIPTION = Description(
    name="b3",
    basis="as_traded",
    rows="ledger.ingest.providers.b3.joined:raw_bars",
    reading="ledger.ingest.providers.b3.joined:reading",
    closes="ledger.ingest.providers.b3.joined:closes",
    live="ledger.ingest.providers.b3.provider:opened",
    base_url_setting="B3_BASE_URL",
    names_actions=True,
    has_sessions=False,
)
