"""Yahoo Finance through yfinance: the wire, the chart body, the provider."""

from ledger.ingest.providers.port import Description

DESCRIPTION = Description(
    name="yfinance",
    basis="split_adjusted",
    exchange="SAO",
    rows="ledger.ingest.providers.yahoo.chart:raw_bars",
    names_actions=True,
    reading="ledger.ingest.providers.yahoo.chart:reading",
    live="ledger.ingest.providers.yahoo.provider:opened",
    base_url_setting="YAHOO_BASE_URL",
)
