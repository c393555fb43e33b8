"""What files of corporate actions hold, taken apart into one piece of evidence per ticker.

A person's sheet is a file by itself; of the exchange's JSON a company's supplement comes first, and the pages of its
history of cash after it.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from hashlib import sha256

import msgspec

from ledger.events import FetchSucceeded
from ledger.ingest.importing import Brought
from ledger.ingest.providers import b3
from ledger.ingest.providers.b3 import feed, joined
from ledger.ingest.providers.b3.feed import FeedError, HistoryPage, Supplement
from ledger.ingest.providers.b3.joined import CompanyAnswer, WantedShare
from ledger.ingest.providers.evidence import answer
from ledger.ingest.providers.manual import DESCRIPTION, sheet
from ledger.ingest.providers.manual.sheet import VERSION, SheetError, SheetLine
from ledger.ingest.providers.port import ActionsFileError
from ledger.values import Identity, Request, Source

OWN = DESCRIPTION.name  # nobody else's library reads a person's file


class ActionsFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file, read whole: whose answers are in it, and how many actions."""

    name: str
    sha256: bytes
    provider: str
    actions: int
    brought: tuple[Brought, ...]


JSON_BEGINS = (b"{", b"[", b'"')
JSON = "the exchange's JSON: a company's supplement, then the pages of its history"


class Times(msgspec.Struct, frozen=True):
    """When a file began to be read, and when it was; microseconds UTC."""

    started_at: int
    finished_at: int


def of_sheet(name: str, content: bytes, times: Times) -> ActionsFile:
    """Return the evidence in a person's file: of each ticker the header and its own lines, as they are in the file.

    Raises: ActionsFileError naming line and column; also for a file without a line.
    """
    try:
        first, _ = sheet.header(content)
        by_ticker: dict[str, list[SheetLine]] = defaultdict(list)
        for one in sheet.of_sessions(content):
            by_ticker[one.ticker].append(one)
    except SheetError as error:
        raise ActionsFileError(
            name, line=error.line, column=error.column, found=error.found, wanted=error.wanted
        ) from error
    if not by_ticker:
        raise ActionsFileError(name, line=None, column=None, found="no action", wanted="one a line, under the header")
    digest = sha256(content)
    params = {"file": name, "sha256": digest.hexdigest()}
    brought = []
    for ticker, lines in sorted(by_ticker.items()):
        window, body = sheet.window([one.action for one in lines]), first + b"".join(one.text for one in lines)
        request, source = Request(ticker=ticker, window=window, params=params), Source(library=OWN, version=VERSION)
        fetch = evidence(DESCRIPTION.name, request, source, body, times)
        brought.append(Brought(fetch, f"{DESCRIPTION.name}/{digest.hexdigest()}/{ticker}"))
    count = sum(map(len, by_ticker.values()))
    return ActionsFile(
        name=name, sha256=digest.digest(), provider=DESCRIPTION.name, actions=count, brought=tuple(brought)
    )


def evidence(provider: str, request: Request, source: Source, body: bytes, times: Times) -> FetchSucceeded:
    """Return what records that `provider` has this `body` on a ticker's actions; nothing of it is read here."""
    return FetchSucceeded(
        ticker=request.ticker,
        provider=provider,
        attempt=1,
        started_at=times.started_at,
        finished_at=times.finished_at,
        request=request,
        source=source,
        answer=answer(body),
        identity=Identity(symbol=request.ticker),
        bars=(),
        actions=(),
    )


def is_feed(content: bytes) -> bool:
    """Return whether a file is the exchange's JSON, and no sheet."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(JSON_BEGINS)


def is_page(content: bytes) -> bool:
    """Return whether a file is a page of a history of cash, which goes with the company before it."""
    try:
        return is_feed(content) and feed.is_history(content.decode("utf-8"))
    except (FeedError, UnicodeDecodeError):
        return False  # refused when its own turn comes


def of_feed(
    files: Sequence[tuple[str, bytes]], times: Times, today: date, listed: Callable[[str], tuple[str, str] | None]
) -> ActionsFile:
    """Return the evidence in a company's supplement and the pages of its history, for each ticker that they name.

    `listed` returns the ISIN under which a ticker is known to be listed, and by whom; where nobody knows, the
    company's own rows name it.

    Raises: ActionsFileError naming the file.
    """
    company, pages, answered = _answered(files)
    names, provider = ", ".join(name for name, _ in files), b3.DESCRIPTION.name
    brought, actions = [], 0
    for ticker, share in joined.shares_of(company, pages):
        known, named = listed(ticker), joined.isins_of(company, share)
        if share == joined.BDR and (known is None or known[0] not in named):
            continue  # of its several numbers only the exchange's prices tell which one it has
        isins = named if known is None else tuple(dict.fromkeys((known[0], *named)))
        isins_by = provider if known is None else known[1]
        wanted = WantedShare(ticker=ticker, share=share, isins=isins, isins_by=isins_by)
        body = joined.body(wanted, answered)
        actions += len(joined.reading(body).offers)
        request = Request(ticker=ticker, window=joined.window(body, today), params={"files": names})
        fetch = evidence(provider, request, Source(library=provider, version=joined.VERSION), body, times)
        brought.append(Brought(fetch, f"{provider}/{sha256(body).hexdigest()}/{ticker}"))
    if not brought:
        message = "a BDR whose number no file of prices tells"
        raise ActionsFileError(
            names, line=None, column=None, found=message, wanted="main import-cotahist FILE before it"
        )
    digest = sha256(b"".join(content for _, content in files)).digest()
    return ActionsFile(name=names, sha256=digest, provider=provider, actions=actions, brought=tuple(brought))


def _answered(files: Sequence[tuple[str, bytes]]) -> tuple[Supplement, list[HistoryPage], list[CompanyAnswer]]:
    company: Supplement | None = None
    pages, answered = list[HistoryPage](), list[CompanyAnswer]()
    for name, content in files:
        try:
            text = content.decode("utf-8")
            if is_page(content):
                pages.append(feed.history_page(text))
            else:
                company = feed.sole_supplement(text)
        except (FeedError, UnicodeDecodeError) as error:
            found = str(error).removeprefix("got ").partition(", want")[0]
            raise ActionsFileError(name, line=None, column=None, found=found, wanted=JSON) from error
        if company is None:
            raise ActionsFileError(name, line=None, column=None, found="no company with an ISIN", wanted=JSON)
        method = feed.HISTORY if answered else feed.SUPPLEMENT
        answered.append(CompanyAnswer(method=method, params={"file": name}, text=text))
    if company is None or not joined.shares_of(company, pages):
        names = ", ".join(name for name, _ in files) or "nothing"
        raise ActionsFileError(names, line=None, column=None, found="no company with an ISIN", wanted=JSON)
    return company, pages, answered
