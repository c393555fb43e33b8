"""A provider opened by the settings in force."""

from collections.abc import Callable
from pathlib import Path

from cli.app.settings import Settings
from ledger.ingest.providers import registry
from ledger.ingest.providers.port import Access, Provider


def opened(name: str, settings: Settings, *, now: Callable[[], int], cache_dir: Path | None = None) -> Provider:
    """Return the provider `name`, at the address that its setting names; it caches in the data folder by default."""
    setting = registry.described(name).base_url_setting
    access = Access(
        cache_dir=cache_dir or settings.data_dir / "cache" / name,
        now=now,
        answer_max_bytes=settings.answer_max_bytes,
        base_url=None if setting is None else getattr(settings, setting.lower()),
    )
    return registry.opened(name, access)
