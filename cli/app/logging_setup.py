"""The log of a running job, on stderr. Its first line brings structlog.

JSON lines for programs; on a terminal short lines, without what a person has just typed.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cli.app.setting_values import LOG_LEVELS
from cli.app.settings import Settings
from cli.render.escaping import escaped_json, escaped_lines, escaped_row
from cli.terminal import bar
from ledger.ingest.plan import Observer
from ledger.urls import masked

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

# What a short line leaves out: each is on the row that is printed at the end, or in `main logs`.
_ASIDE = frozenset({"job_id", "provider", "final", "seq"})
_COLOURS = {"warning": "yellow", "error": "red", "critical": "red"}


class Log:
    """Where lines go: stderr, above the bar that is shown; a line that cannot be written is lost, and nothing else."""

    def msg(self, line: str) -> None:
        """Write a line."""
        with suppress(OSError), bar.above():
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = msg


class Logged(Observer):
    """Reports of jobs, as lines on stderr."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def info(self, message: str, **fields: object) -> None:
        """Log a step."""
        if LOG_LEVELS.index(self._settings.log_level) <= LOG_LEVELS.index("INFO"):
            self._logger.info(message, **fields)

    def warn(self, message: str, **fields: object) -> None:
        """Log something odd."""
        if LOG_LEVELS.index(self._settings.log_level) <= LOG_LEVELS.index("WARNING"):
            self._logger.warning(message, **fields)

    @cached_property
    def _logger(self) -> "FilteringBoundLogger":
        # Made for the first line that is written: it takes longer than to import a small file.
        return configure(self._settings.log_level, self._settings.log_format)


def configure(level: str, form: str = "json") -> "FilteringBoundLogger":
    """Return the logger: a line on stderr per message, from `level` (a LOG_LEVEL) up, in `form` (a LOG_FORMAT).

    Bind a job's own fields (`job_id`, `ticker`, `provider`, `attempt`) once: every line then carries them.
    """
    # Imported here: it brings asyncio.
    import structlog

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            _short(whole=level == "DEBUG")
            if form == "text" or (form == "auto" and sys.stderr.isatty())
            else structlog.processors.JSONRenderer(serializer=_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: Log(),
    )
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def _short(*, whole: bool) -> "Processor":
    """Return what writes a message as one line for a person: time, ticker, what happened, and the fields that say more.

    `whole` leaves no field out.
    """

    def line(_logger: "WrappedLogger", _method: str, fields: "EventDict") -> str:
        at, level = str(fields.pop("at")), str(fields.pop("level"))
        message, ticker = str(fields.pop("event")), fields.pop("ticker", "")
        told = [
            f"{name}={value}"
            for name, value in fields.items()
            if whole or (name not in _ASIDE and value is not None and (name, value) != ("attempt", 1))
        ]
        words = " ".join([message, *told])
        kind = "" if level in {"info", "debug"} else f"{level}: "
        if kind and bar.may_draw():
            kind = click.style(kind, fg=_COLOURS[level])
        safe = masked(escaped_lines(" ".join(words.split())))
        return " ".join([at[11:19], *([str(ticker)] if ticker else []), f"{kind}{safe}"])

    return line


def _line(fields: dict[str, Any], default: Callable[[Any], Any]) -> str:
    try:
        encoded = msgspec.json.encode(fields, enc_hook=default)
    except UnicodeEncodeError:
        # A name on disk that is no UTF-8.
        encoded = msgspec.json.encode(escaped_row(fields), enc_hook=default)
    return escaped_json(masked(encoded.decode()))
