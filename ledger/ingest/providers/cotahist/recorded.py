"""What a recorded answer says: one series' lines of a file, as the version that recorded them read them. Pure."""

from datetime import date

from ledger.events import FetchSucceeded
from ledger.ingest.providers.cotahist import layout
from ledger.ingest.providers.cotahist.identity import identity
from ledger.ingest.providers.cotahist.layout import LayoutError
from ledger.ingest.rules.ranks import rank_of
from ledger.ingest.rules.reading import Reading
from ledger.market.ticker import SUFFIX, TickerError, currency, normalize
from ledger.values import Identity, Rank

VERSION = "2"
BY_CODE = "1"
REAL = "BRL"


def reading(body: bytes) -> Reading:
    """Return all that a recorded answer says: its sessions, and which series they are of.

    Raises: LayoutError for any other body.
    """
    rows, found = layout.raw_bars(body), {identity(line) for line in body.splitlines()}
    # Lines of several series, or of none, were never recorded as those of one.
    named = sorted(one if isinstance(one, str) else one.code for one in found)
    money = currency(named[0]) if len(named) == 1 else None
    return Reading(rows=rows, every_session=False, identity=Identity(symbol=", ".join(named) or None, currency=money))


def reading_by_code(body: bytes) -> Reading:
    """Return what `reading` does of an answer that version 1 recorded: the quotes of one code, of whatever series.

    Options of different years, several terms and two currencies were one series, its days in a former currency foreign.

    Raises: LayoutError for any other body.
    """
    rows, lines = layout.raw_bars(body), body.splitlines()
    written = [(bar.date, line[layout.CURRENCY]) for bar, line in zip(rows, lines, strict=True)]
    moneys = [money for _, money in written]
    return Reading(
        rows=rows,
        every_session=False,
        identity=Identity(
            symbol=", ".join(sorted({code_ticker(line) for line in lines})) or None,
            # Of a series in reais now and then it was the real.
            currency=REAL if layout.REAL in moneys else moneys[0].decode("latin-1").strip() if moneys else None,
        ),
        foreign={day: money.decode("latin-1").strip() for day, money in written if money != layout.REAL},
    )


def rank(fetch: FetchSucceeded) -> Rank | None:
    """Return the rank of the file that the recorded answer in `fetch` is from; what version 1 recorded had none.

    Raises: LayoutError where it does not say when the file was made.
    """
    if fetch.source.version == BY_CODE:
        return None
    made_on = fetch.request.params.get("made_on", "")
    try:
        return rank_of(date.fromisoformat(made_on), fetch.request.window)
    except ValueError as error:
        raise LayoutError(f"a file made on {made_on!r}", "a day") from error


def code_ticker(line: bytes) -> str:
    """Return the series that version 1 counted a quote to: the ticker that is its code, else the code."""
    written = layout.code(line)
    try:
        found = normalize(written)
    except TickerError:
        return written
    return found if found == written + SUFFIX else written
