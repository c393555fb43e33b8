"""What happens while a job runs, as JSON lines on stderr. Imported by commands that ingest; it costs structlog."""

import sys
from typing import Any

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger


def configure(level: str) -> FilteringBoundLogger:
    """Return the logger: one JSON object a line on stderr, from `level` (a LOG_LEVEL) up.

    Bind what a job knows of itself (`job_id`, `ticker`, `provider`, `attempt`) once: every line then carries it.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def _json(fields: Any, default: Any = None) -> str:
    return msgspec.json.encode(fields, enc_hook=default).decode()
