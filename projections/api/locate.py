"""Where a notebook finds its ledger: a path that it gives, else the settings that the command line goes by."""

import os
from collections.abc import Mapping
from pathlib import Path

from ledger.errors import NoLedgerError
from ledger.ingest.providers import registry
from ledger.store.home import LedgerHome

DATA_DIR = "DATA_DIR"
PRICE_SOURCES = "PRICE_SOURCES"
ACTION_SOURCES = "ACTION_SOURCES"
DEFAULTS = {
    DATA_DIR: "./dados",
    PRICE_SOURCES: ",".join(registry.price_names("real")),
    ACTION_SOURCES: ",".join(registry.action_names("real")),
}
DOTENV = ".env"


def data_dir() -> Path:
    """Return the data folder in force: of the environment, else of `.env` in the working folder, else `./dados`."""
    return Path(_setting(DATA_DIR)).expanduser()


def sources() -> tuple[str, ...]:
    """Return the providers in the order of preference for a ticker's series: PRICE_SOURCES, as in force."""
    return tuple(name.strip() for name in _setting(PRICE_SOURCES).split(","))


def action_sources() -> tuple[str, ...]:
    """Return the providers in the order in which their word on actions counts: ACTION_SOURCES, as in force."""
    return tuple(name.strip() for name in _setting(ACTION_SOURCES).split(","))


def home(root: Path) -> LedgerHome:
    """Return the home of the ledger in the data folder `root`; the sample's, where there never was a real one.

    Raises: NoLedgerError where neither is; NotALedgerError, UnreadableError.
    """
    real = LedgerHome(root)
    for found in (real, real.sample):
        if found.current() is not None:
            return found
    raise NoLedgerError(root.absolute())


def _setting(name: str) -> str:
    """Return the setting in force: of the environment, else of `.env` in the working folder, else its default."""
    if written := os.environ.get(name):
        return written
    dotenv: Mapping[str, str | None] = {}
    if os.path.isfile(DOTENV):
        from dotenv import dotenv_values

        dotenv = dotenv_values(DOTENV)
    return dotenv.get(name) or DEFAULTS[name]
