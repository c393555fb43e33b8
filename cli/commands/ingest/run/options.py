"""What a person asked the main job for."""

from datetime import date

import msgspec

from cli.app.output import Style

DEFAULT_JOBS = 4


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The root options, parsed and consistent; tickers are normalized, in the order given, each once."""

    tickers: tuple[str, ...]
    provider: str
    listed: frozenset[str] = frozenset()  # those that only a file names
    start: date | None = None  # inclusive, as `end` is; both bound the fetch, never the snapshot
    end: date | None = None
    max_days: int | None = None  # calendar days back from the end of the window
    force_refresh: bool = False
    dry_run: bool = False
    no_network: bool = False
    jobs: int = DEFAULT_JOBS
    must_exist: bool = False
    style: Style = Style()
