"""A setting comes from the nearest place that names it, and is parsed or refused by name."""

from base64 import b64encode
from pathlib import Path

import msgspec
import pytest

from cli.app import settings
from cli.app.settings import REGISTRY, InForce, SettingError, Settings
from ledger.urls import host_of
from tests.support.cli import REPOSITORY

DEFAULTS = Settings(
    data_dir=Path("dados"),
    snapshot_dir=Path("snapshots"),
    backup_dir=Path("backups"),
    log_level="INFO",
    log_format="auto",
    adapter_max_retries=3,
    adapter_timeout_seconds=30.0,
    adapter_backoff_seconds=1.0,
    validation_invalid_percent_threshold=10.0,
    ingest_lock_timeout_seconds=120.0,
    refresh_days=30,
    metrics_ingest_lag_threshold=86400,
    price_sources=("yfinance", "cotahist"),
    action_sources=("manual", "b3", "yfinance"),
    alerting_enabled=False,
    alert_webhook_url=None,
    alert_webhook_secret=None,
    alert_ping_url=None,
    alert_timeout_seconds=15.0,
    alert_error_rate_threshold=5.0,
    alert_backup_age_threshold=172_800,
    alert_verification_age_threshold=691_200,
    alert_checkpoint_age_threshold=691_200,
    checkpoint_key=None,
    yahoo_base_url=None,
    b3_base_url=None,
    cotahist_base_url=None,
    answer_max_bytes=12 * 1024 * 1024,
    import_max_bytes=4 * 1024 * 1024 * 1024,
    b3_ledger_now=None,
)


@pytest.fixture(autouse=True)
def _empty_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for setting in REGISTRY:
        monkeypatch.delenv(setting.name, raising=False)


def one(name: str, **options: str) -> InForce:
    """Return the setting of that name as it is in force."""
    return next(entry for entry in settings.in_force(options) if entry.name == name)


def test_with_nothing_said_the_storys_defaults_hold() -> None:
    """Every default is parsed too."""
    assert DEFAULTS == settings.load()


def test_the_nearest_place_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options, then the environment, then `.env`, then the default."""
    found = [one("DATA_DIR")]
    (tmp_path / ".env").write_text("DATA_DIR=from-file\n")
    found.append(one("DATA_DIR"))
    monkeypatch.setenv("DATA_DIR", "from-environment")
    found.append(one("DATA_DIR"))
    found.append(one("DATA_DIR", DATA_DIR="from-option"))
    assert [
        ("./dados", "default"),
        ("from-file", ".env"),
        ("from-environment", "environment"),
        ("from-option", "option"),
    ] == [(entry.value, entry.origin) for entry in found]


def test_a_dotenv_of_a_folder_above_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings belong to the working folder."""
    (tmp_path / ".env").write_text("LOG_LEVEL=DEBUG\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert DEFAULTS == settings.load()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DATA_DIR", "/srv/b3", Path("/srv/b3")),
        ("DATA_DIR", "", None),
        ("DATA_DIR", " ", None),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("LOG_LEVEL", "loud", None),
        ("ADAPTER_MAX_RETRIES", "0", 0),
        ("ADAPTER_MAX_RETRIES", "-1", None),
        ("ADAPTER_MAX_RETRIES", "3.0", None),
        ("ADAPTER_MAX_RETRIES", "\u0663", None),
        ("ADAPTER_TIMEOUT_SECONDS", "0.5", 0.5),
        ("ADAPTER_TIMEOUT_SECONDS", "0", None),
        ("ADAPTER_TIMEOUT_SECONDS", "inf", None),
        ("VALIDATION_INVALID_PERCENT_THRESHOLD", "0", 0.0),
        ("VALIDATION_INVALID_PERCENT_THRESHOLD", "100", 100.0),
        ("VALIDATION_INVALID_PERCENT_THRESHOLD", "100.1", None),
        ("VALIDATION_INVALID_PERCENT_THRESHOLD", "nan", None),
        ("VALIDATION_INVALID_PERCENT_THRESHOLD", "10%", None),
        ("INGEST_LOCK_TIMEOUT_SECONDS", "0", 0.0),
        ("INGEST_LOCK_TIMEOUT_SECONDS", "-0.1", None),
        ("REFRESH_DAYS", "0", 0),
        ("REFRESH_DAYS", "-1", None),
        ("METRICS_INGEST_LAG_THRESHOLD", "3600", 3600),
        ("METRICS_INGEST_LAG_THRESHOLD", "1h", None),
        ("PRICE_SOURCES", "cotahist", ("cotahist",)),
        ("PRICE_SOURCES", "cotahist, yfinance", ("cotahist", "yfinance")),
        ("PRICE_SOURCES", "cotahist,cotahist", None),
        ("PRICE_SOURCES", "yahoo", None),
        ("PRICE_SOURCES", "yfinance,", None),
        ("PRICE_SOURCES", "", None),
        ("YAHOO_BASE_URL", "http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("YAHOO_BASE_URL", "127.0.0.1:8000", None),
        ("YAHOO_BASE_URL", "file:///etc/passwd", None),
        ("YAHOO_BASE_URL", "http://", None),
        ("YAHOO_BASE_URL", "http://h/?q=1", None),
        ("ALERTING_ENABLED", "TRUE", True),
        ("ALERTING_ENABLED", "false", False),
        ("ALERTING_ENABLED", "1", None),
        ("ALERT_WEBHOOK_URL", "https://h/a?token=1", "https://h/a?token=1"),
        ("ALERT_WEBHOOK_URL", "https://user@h/a", None),
        ("ALERT_WEBHOOK_URL", "https://h/a#part", None),
        ("ALERT_WEBHOOK_URL", "https://h:port/a", None),
        ("ALERT_WEBHOOK_URL", "https://h/a b", None),
        ("ALERT_WEBHOOK_URL", "https://h/a\nx: y", None),
        ("ALERT_PING_URL", "ftp://h/a", None),
        ("ALERT_WEBHOOK_SECRET", f"whsec_{'AAAA' * 8}", (bytes(24),)),
        ("ALERT_WEBHOOK_SECRET", f"whsec_{'AAAA' * 8}  whsec_{'AAAA' * 21}", (bytes(24), bytes(63))),
        ("ALERT_WEBHOOK_SECRET", f"whsec_{b64encode(bytes(64)).decode()}", (bytes(64),)),
        ("ALERT_WEBHOOK_SECRET", f"whsec_{b64encode(bytes(65)).decode()}", None),
        ("ALERT_WEBHOOK_SECRET", f"whsec_{b64encode(bytes(23)).decode()}", None),
        ("ALERT_WEBHOOK_SECRET", f"whsec_{'AAAA' * 7}", None),
        ("ALERT_WEBHOOK_SECRET", f"whsec_{'AAAA' * 22}", None),
        ("ALERT_WEBHOOK_SECRET", "AAAA" * 8, None),
        ("ALERT_WEBHOOK_SECRET", "whsec_no!base64", None),
        ("ALERT_WEBHOOK_SECRET", " ", None),
        ("ALERT_TIMEOUT_SECONDS", "60", 60.0),
        ("ALERT_TIMEOUT_SECONDS", "61", None),
        ("B3_LEDGER_NOW", "1970-01-01T00:00:01Z", 1_000_000),
        ("B3_LEDGER_NOW", "1970-01-01", None),
    ],
)
def test_a_value_is_parsed_or_refused_by_name(
    name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal names the variable, the value and what was expected."""
    monkeypatch.setenv(name, text)
    if value is not None:
        assert msgspec.structs.replace(DEFAULTS, **{name.lower(): value}) == settings.load()
        return
    setting = next(setting for setting in REGISTRY if setting.name == name)
    with pytest.raises(SettingError) as refused:
        settings.load()
    shown = (host_of(text) or "***") if setting.secret else text.replace("?q=1", "?***")
    assert f"got {name}={shown!r} from environment, want {setting.expected}" == str(refused.value)


@pytest.mark.parametrize("name", ["YAHOO_BASE_URL", "B3_LEDGER_NOW"])
def test_an_empty_line_leaves_an_optional_setting_unset(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.env.example` may be copied as it is."""
    monkeypatch.setenv(name, "")
    assert DEFAULTS == settings.load()


def test_the_example_file_names_every_setting_with_its_default() -> None:
    """`.env.example` is the registry, in its order."""
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    assert [f"{setting.name}={setting.default or ''}" for setting in REGISTRY] == [
        line for line in lines if line and not line.startswith("#")
    ]


def test_a_dotenv_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are an error, not a traceback."""
    (tmp_path / ".env").write_bytes(b"DATA_DIR=\xff\n")
    with pytest.raises(SettingError) as refused:
        settings.load()
    assert ".env" == refused.value.name
