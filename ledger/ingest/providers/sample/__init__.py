"""The bundled sample: synthetic answers in the shape of a live provider, and no network."""

from datetime import UTC, date, datetime

from ledger.ingest.providers.port import Description, Recording

RECORDING = Recording(
    last_day=date(2026, 2, 13),
    recorded_at=int(datetime(2026, 2, 13, 22, tzinfo=UTC).timestamp()) * 1_000_000,  # the last session is final
)
DESCRIPTION = Description(
    name="sample",
    basis="split_adjusted",
    exchange="SAO",
    rows="ledger.ingest.providers.yahoo.chart:raw_bars",
    names_actions=True,
    reading="ledger.ingest.providers.yahoo.chart:reading",
    live="ledger.ingest.providers.sample.provider:opened",
    recording=RECORDING,
)
