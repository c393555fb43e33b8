"""The one clock of the command line, and the cases in which it may be fixed."""

import time

from cli.app.settings import Settings
from ledger.errors import LedgerError
from ledger.ingest.providers import registry

LOCALHOST = "localhost"


class ClockRefusedError(LedgerError):
    """B3_LEDGER_NOW is set where it would date events of a real ledger."""

    def __init__(self) -> None:
        super().__init__("got B3_LEDGER_NOW on a real ledger, want it unset")


def now_us(settings: Settings, *, reading: bool = False, sample: bool = False) -> int:
    """Return the time in microseconds UTC: the machine's, or B3_LEDGER_NOW where that is honoured.

    It is honoured in commands that only read, on the sample ledger, and when YAHOO_BASE_URL is a loopback address.
    On the sample ledger the clock else stands still, where its recording ends: it is no alarm tomorrow.

    Raises: ClockRefusedError when it is set and none of these holds.
    """
    fixed = settings.b3_ledger_now
    if fixed is None:
        recording = registry.recording("sample") if sample else None
        return time.time_ns() // 1000 if recording is None else recording.recorded_at
    if reading or sample or _is_loopback(settings.yahoo_base_url):
        return fixed
    raise ClockRefusedError


def _is_loopback(url: str | None) -> bool:
    # Imported here: needed only when the clock is fixed.
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname if url else None
    if host is None or host == LOCALHOST:
        return host is not None
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
