"""The settings in force: options, then the environment, then `.env`, then the defaults."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from cli.app.habits import OPTIONS
from cli.app.setting_values import (
    LOG_FORMATS,
    LOG_LEVELS,
    a_minute,
    answer_bytes,
    bytes_count,
    endpoint,
    folder,
    level,
    log_format,
    moment,
    number,
    percent,
    positive,
    retries,
    signing_secrets,
    url,
    whole,
    yes_or_no,
)
from ledger.errors import LedgerError
from ledger.files.regular import read_regular
from ledger.ingest.providers import registry
from ledger.urls import MASK, host_of, masked

DOTENV = ".env"
DOTENV_BYTES = 1024 * 1024
SOURCES = registry.price_names()
ACTION_SOURCES = registry.action_names()

Origin = Literal["option", "environment", ".env", "default"]


class SettingError(LedgerError):
    """A setting cannot be parsed; the command did nothing."""

    def __init__(self, name: str, *, value: str, expected: str, origin: Origin) -> None:
        value = masked(value)
        super().__init__(f"got {name}={value!r} from {origin}, want {expected}")
        self.name, self.value, self.expected, self.origin = name, value, expected, origin


class Setting(msgspec.Struct, frozen=True):
    """One variable: its name, default (None: unset), accepted values in words, purpose and parser."""

    name: str
    default: str | None
    expected: str
    purpose: str
    parse: Callable[[str], Any]
    secret: bool = False  # its value is never shown: of an address that may hold a token, the host


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """A setting as it was given, and by whom."""

    name: str
    value: str | None
    origin: Origin
    purpose: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, parsed; each attribute is its variable's name in lower case."""

    data_dir: Path
    snapshot_dir: Path
    backup_dir: Path
    log_level: str
    log_format: str
    adapter_max_retries: int
    adapter_timeout_seconds: float
    adapter_backoff_seconds: float
    validation_invalid_percent_threshold: float
    ingest_lock_timeout_seconds: float
    refresh_days: int
    metrics_ingest_lag_threshold: int
    price_sources: tuple[str, ...]
    action_sources: tuple[str, ...]
    alerting_enabled: bool
    alert_webhook_url: str | None
    alert_webhook_secret: tuple[bytes, ...] | None
    alert_ping_url: str | None
    alert_timeout_seconds: float
    alert_error_rate_threshold: float
    alert_backup_age_threshold: int
    alert_verification_age_threshold: int
    alert_checkpoint_age_threshold: int
    checkpoint_key: Path | None
    yahoo_base_url: str | None
    cotahist_base_url: str | None
    b3_base_url: str | None
    answer_max_bytes: int
    import_max_bytes: int
    b3_ledger_now: int | None  # microseconds UTC


def _some_of(known: tuple[str, ...], text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if len(set(names)) < len(names) or not set(names) <= set(known):
        raise ValueError(text)
    return names


_FOLDER = "a folder, its whole path in UTF-8"
_ENDPOINT = "an http or https URL without a user"
_SECONDS = "a number of seconds, from 0 to 31536000"

REGISTRY: tuple[Setting, ...] = (
    Setting("DATA_DIR", "./dados", _FOLDER, "the ledger, its locks and the sample's ledger", folder),
    Setting("SNAPSHOT_DIR", "./snapshots", _FOLDER, "price CSVs and their .checksum files", folder),
    Setting("BACKUP_DIR", "./backups", _FOLDER, "backups and their .checksum files", folder),
    Setting("LOG_LEVEL", "INFO", f"one of {', '.join(LOG_LEVELS)}", "how much is logged to stderr", level),
    Setting(
        "LOG_FORMAT",
        "auto",
        f"one of {', '.join(LOG_FORMATS)}",
        "how a log line is written; auto: text on a terminal, JSON elsewhere",
        log_format,
    ),
    Setting("ADAPTER_MAX_RETRIES", "3", "a whole number from 0 to 1000", "retries after a provider's failure", retries),
    Setting(
        "ADAPTER_TIMEOUT_SECONDS", "30", "seconds, more than 0, at most 31536000", "deadline of one attempt", positive
    ),
    Setting("ADAPTER_BACKOFF_SECONDS", "1", _SECONDS, "wait before the first retry; doubles each time", number),
    Setting(
        "VALIDATION_INVALID_PERCENT_THRESHOLD",
        "10",
        "a percentage from 0 to 100",
        "rejected rows, in percent, above which a ticker is rejected",
        percent,
    ),
    Setting("INGEST_LOCK_TIMEOUT_SECONDS", "120", _SECONDS, "how long a job waits for its ticker's lock", number),
    Setting(
        "REFRESH_DAYS",
        "30",
        "a whole number of days, 0 or more",
        "days after which a ticker's whole range is asked for again; 0 for never",
        whole,
    ),
    Setting(
        "METRICS_INGEST_LAG_THRESHOLD",
        "86400",
        "a whole number of seconds, 0 or more",
        "seconds since the last ingest above which metrics turn critical",
        whole,
    ),
    Setting(
        "PRICE_SOURCES",
        ",".join(registry.price_names("real")),
        f"some of {', '.join(SOURCES)}, separated by commas, each once",
        "whose prices of a ticker are read: the first that has any",
        partial(_some_of, SOURCES),
    ),
    Setting(
        "ACTION_SOURCES",
        ",".join(registry.action_names("real")),
        f"some of {', '.join(ACTION_SOURCES)}, separated by commas, each once",
        "whose word on a day's corporate actions counts: the first that names any",
        partial(_some_of, ACTION_SOURCES),
    ),
    Setting(
        "ALERTING_ENABLED", "false", "true or false", "whether main alerts records and delivers transitions", yes_or_no
    ),
    Setting("ALERT_WEBHOOK_URL", None, _ENDPOINT, "who is told of alerts, by Standard Webhooks", endpoint, secret=True),
    Setting(
        "ALERT_WEBHOOK_SECRET",
        None,
        "whsec_ and base64 of 24 to 64 bytes, several separated by spaces",
        "what signs the messages; several while one replaces another",
        signing_secrets,
        secret=True,
    ),
    Setting("ALERT_PING_URL", None, _ENDPOINT, "a dead man's switch that main alerts pings", endpoint, secret=True),
    Setting(
        "ALERT_TIMEOUT_SECONDS", "15", "seconds, more than 0, at most 60", "how long one delivery may take", a_minute
    ),
    Setting(
        "ALERT_ERROR_RATE_THRESHOLD",
        "5",
        "a percentage from 0 to 100",
        "failures among the last 30 runs of a ticker, in percent, above which it is an alert",
        percent,
    ),
    Setting(
        "ALERT_BACKUP_AGE_THRESHOLD",
        "172800",
        "a whole number of seconds, 0 or more",
        "age of the last backup above which it is an alert; 0 for never",
        whole,
    ),
    Setting(
        "ALERT_VERIFICATION_AGE_THRESHOLD",
        "691200",
        "a whole number of seconds, 0 or more",
        "age of the last main verify --record above which it is an alert; 0 for never",
        whole,
    ),
    Setting(
        "ALERT_CHECKPOINT_AGE_THRESHOLD",
        "691200",
        "a whole number of seconds, 0 or more",
        "age of the last checkpoint, where one was ever signed, above which it is an alert; 0 for never",
        whole,
    ),
    Setting("CHECKPOINT_KEY", None, "a file", "the key that signs checkpoints; every backup then writes one", folder),
    Setting("YAHOO_BASE_URL", None, "an http or https URL", "a mirror or proxy in place of every Yahoo host", url),
    Setting("B3_BASE_URL", None, "an http or https URL", "a mirror or proxy in place of the exchange's list", url),
    Setting(
        "COTAHIST_BASE_URL",
        None,
        "an http or https URL",
        "a mirror in place of the exchange's folder of files",
        url,
    ),
    Setting(
        "ANSWER_MAX_BYTES",
        "12582912",
        "a number of bytes from 1024 to 67108864",
        "how long a provider's answer may be, unpacked",
        answer_bytes,
    ),
    Setting(
        "IMPORT_MAX_BYTES",
        "4294967296",
        "a number of bytes, 1024 or more",
        "how long a file to import may be, unpacked",
        bytes_count,
    ),
    Setting(
        "B3_LEDGER_NOW",
        None,
        "a time of 1970 to 2199 such as 2026-02-15T12:34:56Z",
        "fixes the clock for tests and demonstrations",
        moment,
    ),
)


def in_force(options: Mapping[str, str] | None = None) -> tuple[InForce, ...]:
    """Return every setting as given, unparsed, in the registry's order; `options` maps variables to values.

    Without `options` they are those in front of the command that runs.
    Reads the environment, and `.env` in the working folder where there is one.

    Raises: SettingError for a `.env` that is not UTF-8, or has a line that is none of its kind; OSError where it
    cannot be read.
    """
    if options is None:
        context = click.get_current_context(silent=True)
        options = context.meta.get(OPTIONS, {}) if context else {}
    sources: tuple[tuple[Origin, Mapping[str, str | None]], ...] = (
        ("option", options),
        ("environment", os.environ),
        (".env", _dotenv()),
    )
    found = []
    for setting in REGISTRY:
        # An empty line in .env is how people leave out an optional setting; one that has a default needs a value.
        given = (
            InForce(name=setting.name, value=value, origin=origin, purpose=setting.purpose)
            for origin, values in sources
            if (value := values.get(setting.name)) is not None and (value or setting.default is not None)
        )
        default = InForce(name=setting.name, value=setting.default, origin="default", purpose=setting.purpose)
        found.append(next(given, default))
    return tuple(found)


def _dotenv() -> Mapping[str, str | None]:
    """Return what `.env` in the working folder sets; a line that cannot be read is never passed over."""
    if not os.path.lexists(DOTENV) or os.path.isdir(DOTENV):
        return {}
    # Imported here: they bring logging along, which a command without a .env need not pay for.
    from io import StringIO

    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    try:
        text = read_regular(Path(DOTENV), limit_bytes=DOTENV_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingError(DOTENV, value=str(error), expected="a file of UTF-8 text", origin=".env") from error
    for binding in parse_stream(StringIO(text)):
        if binding.error or "\0" in binding.original.string or (binding.key is not None and binding.value is None):
            # Not the line itself: it may hold a password.
            line = f"line {binding.original.line}"
            raise SettingError(DOTENV, value=line, expected="NAME=value on each line", origin=".env")
    return dotenv_values(stream=StringIO(text))


def load(options: Mapping[str, str] | None = None) -> Settings:
    """Return the settings in force, parsed; see `in_force` for what is read.

    Raises: SettingError naming the variable, its value and what was expected.
    """
    return parse(in_force(options))


def parse(given: tuple[InForce, ...]) -> Settings:
    """Return `given`, one entry per setting in the registry's order, as typed settings.

    Raises: SettingError as `load` does.
    """
    values: dict[str, Any] = {}
    for setting, entry in zip(REGISTRY, given, strict=True):
        try:
            parsed = None if entry.value is None else setting.parse(entry.value.encode().decode())
        except (ValueError, OverflowError) as error:  # bytes that are no UTF-8 among them
            value = shown(setting, entry.value or "")
            raise SettingError(setting.name, value=value, expected=setting.expected, origin=entry.origin) from (
                None if setting.secret else error
            )
        values[setting.name.lower()] = parsed
    return Settings(**values)


def shown(setting: Setting, value: str) -> str:
    """Return the value as it may be printed: of a secret nothing but the host that it names, if any."""
    return (host_of(value) or MASK) if setting.secret and value else masked(value)
