"""Write docs/schemas/ from the structs that commands print: `python scripts/make_schemas.py`."""

import sys
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

REPOSITORY = Path(__file__).resolve().parents[1]
if str(REPOSITORY) not in sys.path:
    sys.path.insert(0, str(REPOSITORY))

from cli.app.exits import Failure  # noqa: E402 - the same
from cli.app.settings import InForce  # noqa: E402 - the same
from cli.commands.evidence.events.row import EventRow  # noqa: E402 - the same
from cli.commands.evidence.rules import RuleRow  # noqa: E402 - the same
from cli.commands.evidence.validate.command import FileReport  # noqa: E402 - the same
from cli.commands.evidence.validation.row import DecisionRow  # noqa: E402 - the same
from cli.commands.ingest.import_actions.row import ActionsImportRow  # noqa: E402 - the same
from cli.commands.ingest.import_cotahist.row import ImportRow  # noqa: E402 - the same
from cli.commands.ingest.retire import RetiredRow  # noqa: E402 - the same
from cli.commands.ingest.run.row import RunRow  # noqa: E402 - the same
from cli.commands.ingest.test_conn import ConnRow  # noqa: E402 - the same
from cli.commands.prices.export.row import ExportedAction, ExportedPrice, Manifest  # noqa: E402 - the same
from cli.commands.prices.prices.row import ComparedPrice  # noqa: E402 - the same
from cli.commands.prices.returns import ReturnRow  # noqa: E402 - the same
from cli.commands.proof.checkpoint.row import CheckpointRow, ExtensionRow  # noqa: E402 - the same
from cli.commands.proof.key import KeyRow  # noqa: E402 - the same
from cli.commands.proof.prove.row import ProofRow, ProvenRow  # noqa: E402 - the same
from cli.commands.status.alerts.row import AlertRow  # noqa: E402 - the same
from cli.commands.status.alerts.webhook import Message  # noqa: E402 - the same
from cli.commands.status.health.command import HealthRow  # noqa: E402 - the same
from cli.commands.status.metrics.row import LagRow, LastDateRow  # noqa: E402 - the same
from cli.commands.status.report.command import ReportRow  # noqa: E402 - the same
from cli.commands.trust.accept_head import AcceptedRow  # noqa: E402 - the repository is on the path only now
from cli.commands.trust.audit import AuditRow  # noqa: E402 - the same
from cli.commands.trust.backup.row import (  # noqa: E402 - the same
    CheckedRow,
    CreatedRow,
    ListedRow,
    ObjectRow,
    PrunedRow,
    RestoredRow,
    SalvagedRow,
)
from cli.commands.trust.rebuild import RebuildRow  # noqa: E402 - the same
from cli.commands.trust.replay import ReplayRow  # noqa: E402 - the same
from cli.commands.trust.snapshot import SnapshotRow  # noqa: E402 - the same
from cli.commands.trust.verify.row import VerifyRow  # noqa: E402 - the same
from cli.commands.trust.verify.saved_head import SavedHead  # noqa: E402 - the same
from projections.api import rows  # noqa: E402 - the same
from projections.api.comparing import CompareRow  # noqa: E402 - the same
from projections.api.disputes import DisputedAction  # noqa: E402 - the same
from projections.api.faces import json_type  # noqa: E402 - the same
from projections.api.why import WhyRow  # noqa: E402 - the same
from projections.queries.metrics_report import TickerReport  # noqa: E402 - the same
from projections.queries.snapshot_check import SnapshotCheck  # noqa: E402 - the same

FOLDER = REPOSITORY / "docs" / "schemas"

# What one line of `--format json` is, by the name of its schema.
OUTPUTS: dict[str, type[msgspec.Struct]] = {
    "accept-head": AcceptedRow,
    "alert": AlertRow,
    "alert-message": Message,
    "audit": AuditRow,
    "backup-check": CheckedRow,
    "backup-create": CreatedRow,
    "backup-list": ListedRow,
    "backup-object": ObjectRow,
    "backup-prune": PrunedRow,
    "backup-restore": RestoredRow,
    "checkpoint": CheckpointRow,
    "checkpoint-compare": ExtensionRow,
    "compare": CompareRow,
    "config": InForce,
    "error": Failure,
    "event": EventRow,
    "health": HealthRow,
    "import-actions": ActionsImportRow,
    "import-cotahist": ImportRow,
    "key": KeyRow,
    "log": json_type(rows.LogEntry, "LogRow"),
    "metrics": json_type(TickerReport, "MetricsRow"),
    "metrics-ingest-lag": LagRow,
    "metrics-last-date": LastDateRow,
    "proof": ProofRow,
    "proof-check": ProvenRow,
    "rebuild": RebuildRow,
    "replay": ReplayRow,
    "report": ReportRow,
    "retire": RetiredRow,
    "rules": RuleRow,
    "run": RunRow,
    "salvage": SalvagedRow,
    "saved-head": SavedHead,
    "snapshot": SnapshotRow,
    "snapshot-check": SnapshotCheck,
    "test-conn": ConnRow,
    "verify": VerifyRow,
    "price": json_type(rows.Price, "PriceRow"),
    "price-adjusted": json_type(ComparedPrice, "AdjustedPriceRow"),
    "return": ReturnRow,
    "price-fields": json_type(rows.MarketPrice, "MarketPriceRow"),
    "option": json_type(rows.OptionPrice, "OptionRow"),
    "instrument": json_type(rows.Instrument, "InstrumentRow"),
    "rename": rows.RenameCandidate,
    "revision": json_type(rows.Change, "RevisionRow"),
    "diff": json_type(rows.DiffRow),
    "action": json_type(rows.CorporateAction, "ActionRow"),
    "action-disputed": DisputedAction,
    "gap": json_type(rows.MissingSession, "GapRow"),
    "why": WhyRow,
    "validation": DecisionRow,
    "validate": FileReport,
    "export-manifest": Manifest,
    "export-price": ExportedPrice,
    "export-action": ExportedAction,
}


def schema(output: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON Schema of one object: every field is there, but for those that are left unset, and no other."""
    (root,), components = msgspec.json.schema_components([output], ref_template="#/$defs/{name}")
    for name, component in components.items():
        omits = name == output.__name__ and output.__struct_config__.omit_defaults
        component["required"] = component.get("required", []) if omits else _printed(component)
        component["additionalProperties"] = False
        if "description" in component:
            # msgspec before 0.21 keeps a docstring's indentation, later ones strip it: the page is the same by both.
            component["description"] = cleandoc(component["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": components}


def _printed(component: dict[str, Any]) -> list[str]:
    """Return the fields that are always there: one that may be unset is neither required nor has it a default."""
    required = component.get("required", ())
    return [name for name, field in component["properties"].items() if name in required or "default" in field]


def text(output: type[msgspec.Struct]) -> str:
    """Return the file of one schema."""
    return msgspec.json.format(msgspec.json.encode(schema(output)), indent=2).decode() + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, output in OUTPUTS.items():
        (FOLDER / f"{name}.schema.json").write_text(text(output), encoding="utf-8")
