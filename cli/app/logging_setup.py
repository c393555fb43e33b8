"""The log of a running job: JSON lines on stderr. Only commands that ingest import it, since it brings structlog."""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from cli.render.escaping import escaped_json, escaped_row
from ledger.urls import masked


class Log:
    """Where lines go: stderr, where a line that cannot be written is lost and costs nothing else."""

    def msg(self, line: str) -> None:
        """Write a line."""
        with suppress(OSError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = msg


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
            structlog.processors.JSONRenderer(serializer=_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: Log(),
    )
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def _line(fields: dict[str, Any], default: Callable[[Any], Any]) -> str:
    try:
        encoded = msgspec.json.encode(fields, enc_hook=default)
    except UnicodeEncodeError:
        # A name on disk that is no UTF-8.
        encoded = msgspec.json.encode(escaped_row(fields), enc_hook=default)
    return escaped_json(masked(encoded.decode()))
