"""Words that a shell offers, read from the ledger in use; where there is none to read, none is offered."""

from collections.abc import Callable, Iterable

from click.shell_completion import CompletionItem

from cli.app import settings
from cli.context import ledgers
from ledger import ids
from ledger.errors import LedgerError
from projections.models import ingest_logs, prices
from projections.models.ingest_logs import Filter
from projections.store.store import View

NEWEST_JOBS = 50


def tickers(view: View) -> Iterable[str]:
    """Return the tickers that have a series."""
    return dict.fromkeys(series.ticker for series in prices.all_series(view.state["prices"]))


def sources(view: View) -> Iterable[str]:
    """Return the providers that have a series."""
    return dict.fromkeys(series.provider for series in prices.all_series(view.state["prices"]))


def jobs(view: View) -> Iterable[str]:
    """Return the ids of the newest jobs, newest first."""
    found = ingest_logs.entries(view.state["ingest_logs"], Filter(), limit=NEWEST_JOBS)
    return dict.fromkeys(ids.text(entry.job_id) for entry in reversed(found))


def offered(words: Callable[[View], Iterable[str]], incomplete: str) -> list[CompletionItem]:
    """Return those of `words` that begin with `incomplete`, in either case."""
    try:
        with ledgers.viewing(settings.load()) as view:
            found = list(words(view))
    except (LedgerError, OSError):
        return []
    return [CompletionItem(word) for word in found if word.upper().startswith(incomplete.upper())]
