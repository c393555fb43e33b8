"""The read models that there are, in the order in which an event reaches them."""

from projections.ingest_logs import IngestLogs
from projections.metrics import Metrics
from projections.prices import Prices
from projections.projection import Projection
from projections.snapshots import Snapshots

ALL: tuple[Projection, ...] = (Prices(), IngestLogs(), Metrics(), Snapshots())
