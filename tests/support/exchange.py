"""Two months of a small synthetic exchange, by the script that makes them, as plain values by column."""

from datetime import date
from functools import cache
from typing import Any

from scripts.exchange_month import month_lines
from tests.ledger.ingest.providers.cotahist.fields.test_quotations import none_where_absent, parsed

MONTHS = (date(2025, 2, 1), date(2025, 3, 1))
PAPERS = 24
SEED = 5


@cache
def lines_of(first: date) -> tuple[bytes, ...]:
    """Return the quotes of a month."""
    return tuple(month_lines(first, papers=PAPERS, seed=SEED, renamed=first == MONTHS[-1]))


def records(day: date) -> list[dict[str, Any]]:
    """Return every record of a session, field by field, by a parse of the tests' own."""
    written = (line.decode("latin-1").rstrip("\r\n") for line in lines_of(day.replace(day=1)))
    return [none_where_absent(parsed(text)) for text in written if text[2:10] == f"{day:%Y%m%d}"]
