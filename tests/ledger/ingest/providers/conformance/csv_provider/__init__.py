"""A provider for tests whose body is CSV: nothing of it is like any provider of the product."""

from ledger.ingest.providers.port import Description

DESCRIPTION = Description(
    name="csv-test",
    basis="as_traded",
    exchange="BVMF",
    rows="tests.ledger.ingest.providers.conformance.csv_provider.provider:rows",
    live="tests.ledger.ingest.providers.conformance.csv_provider.provider:opened",
)
