"""The read models that there are, in the order in which an event reaches them."""

from projections.fold.projection import Projection
from projections.models.ingest_logs import IngestLogs
from projections.models.instruments import Instruments
from projections.models.metrics import Metrics
from projections.models.prices import Prices
from projections.models.snapshots import Snapshots

ALL: tuple[Projection, ...] = (Prices(), IngestLogs(), Metrics(), Snapshots(), Instruments())
