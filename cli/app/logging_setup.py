"""The log of a running job: JSON lines on stderr. Only commands that ingest import it, since it brings structlog."""

import sys

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger


def configure(level: str) -> FilteringBoundLogger:
    """Return the logger: one JSON object per line on stderr, from `level` (a LOG_LEVEL) up.

    Bind a job's own fields (`job_id`, `ticker`, `provider`, `attempt`) once: every line then carries them.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(
                serializer=lambda fields, default: msgspec.json.encode(fields, enc_hook=default).decode()
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger
