"""The clock may be set by hand only where no invented time can enter a real ledger."""

import time
from pathlib import Path

import msgspec
import pytest

from cli.app.clock import ClockRefusedError, now_us
from tests.cli.app.test_settings import DEFAULTS

FIXED = msgspec.structs.replace(DEFAULTS, b3_ledger_now=42)


def test_without_a_fixed_time_the_machine_is_asked() -> None:
    """The answer lies between two looks at the machine's clock."""
    before = time.time_ns() // 1000
    assert before <= now_us(DEFAULTS) <= time.time_ns() // 1000


def test_the_fixed_time_holds_for_readers_and_on_the_sample() -> None:
    """Neither writes a time into a real ledger."""
    assert [42, 42] == [now_us(FIXED, reading=True), now_us(FIXED, sample=True)]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "http://127.9.9.9/x"])
def test_the_fixed_time_holds_against_a_provider_on_this_machine(url: str) -> None:
    """A loopback provider is a test's."""
    assert 42 == now_us(msgspec.structs.replace(FIXED, yahoo_base_url=url))


@pytest.mark.parametrize("url", [None, "http://10.0.0.1", "http://127.example.org", "http://localhost.example.org"])
def test_the_fixed_time_is_refused_anywhere_else(url: str | None) -> None:
    """A name that merely looks like this machine is another one."""
    with pytest.raises(ClockRefusedError):
        now_us(msgspec.structs.replace(FIXED, yahoo_base_url=url, data_dir=Path("x")))
