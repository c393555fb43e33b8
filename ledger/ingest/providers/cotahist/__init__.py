"""The exchange's own files of daily prices, brought by hand."""

from ledger.ingest.providers.port import Description

DESCRIPTION = Description(
    name="cotahist",
    basis="as_traded",
    rows="ledger.ingest.providers.cotahist.layout:raw_bars",
    reading="ledger.ingest.providers.cotahist.recorded:reading",
    rank="ledger.ingest.providers.cotahist.recorded:rank",
    former_readings={"1": "ledger.ingest.providers.cotahist.recorded:reading_by_code"},
    lines="ledger.ingest.providers.cotahist.layout:lines_of",
    quotations="ledger.ingest.providers.cotahist.fields.quotations:quotations",
    quotation_columns="ledger.ingest.providers.cotahist.fields.quotation_columns:columns",
    listings="ledger.ingest.providers.cotahist.fields.quotations:listings",
    listing_columns="ledger.ingest.providers.cotahist.fields.listing_columns:sessions",
)
