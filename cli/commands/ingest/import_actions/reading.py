"""What a file of corporate actions holds: a person's sheet, taken apart into one piece of evidence per ticker."""

from collections import defaultdict
from hashlib import sha256

import msgspec

from ledger.events import FetchSucceeded
from ledger.ingest.importing import Brought
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
