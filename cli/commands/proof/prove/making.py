"""Makes the proof of an event under a checkpoint that was signed before."""

from pathlib import Path

import msgspec

from cli.app import output
from cli.app.errors import NoSuchEventError
from cli.app.settings import Settings
from cli.commands.proof import files
from cli.commands.proof.prove.row import ProofRow, Session, proof_row
from cli.context import ledgers, series_option
from ledger.checkpoint.errors import NotCoveredError
from ledger.checkpoint.proving import prove
from ledger.checkpoint.published import Published
from ledger.checkpoint.published_tree import CHECKPOINT, PublishedTree
from ledger.checkpoint.rereading import look
from ledger.checkpoint.signing import default_folder
from ledger.checkpoint.statement import Statement
from ledger.codec import decode_envelope
from ledger.errors import NothingToShowError
from ledger.log_source import LogSource
from ledger.store.event_log import EventLog
from projections.queries import provenance


class ProofSubject(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be proven: the event at `seq`, or the price of a session; how, and where to."""

    seq: int | None
    session: Session | None
    source: str | None
    body: bool
    checkpoint: Path | str | None
    out: Path | None


class _Under(msgspec.Struct, frozen=True):
    """The checkpoint that a proof is under, and the tiles beside it, if any."""

    statement: Statement
    note: bytes
    tiles: PublishedTree | None


def made(wanted: ProofSubject, given: Settings) -> ProofRow:
    """Return the proof, which lies in `wanted.out` where that is given.

    Raises: NothingToShowError; NotCoveredError, NotProvenError; NoteError, TileError; as reading the log does.
    """
    with ledgers.reading(given) as log:
        seq = wanted.seq if wanted.session is None else _decision(log, wanted.session, wanted.source)
        assert seq is not None  # noqa: S101 - one of them was given
        if seq >= log.head().size:
            raise NoSuchEventError(seq, size=log.head().size)
        if wanted.checkpoint is None:
            under = _newest(log)
        else:
            note = files.read_note(wanted.checkpoint)
            under = _Under(files.unsigned_statement(note), note, files.tiles_beside(wanted.checkpoint))
        proof = prove(
            log,
            seq,
            under.statement,
            under.note,
            source=files.source_at(under.tiles, log),
            with_body=wanted.body or wanted.session is not None,
        )
        (record,) = log.read(seq, seq + 1)
    if wanted.out is not None:
        output.give([str(proof).encode()], wanted.out)
    file = None if wanted.out is None else str(wanted.out)
    return proof_row(decode_envelope(seq, record.body), proof, under.statement, file)


def _decision(log: LogSource, session: Session, source: str | None) -> int:
    """Return the seq of the newest decision that accepted a bar of the session as new or revised."""
    with ledgers.view_of(log) as view:
        series = series_option.judged(view.state, session.ticker, source)
        traces = provenance.traces(log, view.state["prices"], series, session.day)
        found = [trace.decided.seq for trace in traces if trace.bar is not None]
    if not found:
        raise NothingToShowError(f"no bar of {session.ticker} on {session.day}", wanted="one that was accepted")
    return found[-1]


def _newest(log: LogSource) -> _Under:
    """Return the newest checkpoint that the log records, and the tiles in its default folder."""
    known = look(files.batches(log))
    last = known.last(known.origin(log.head().size))
    if last is None:
        raise NotCoveredError("no checkpoint of this log", wanted="one")
    note = last.event.note.encode()
    statement = files.unsigned_statement(note)
    tiles = Published(default_folder(log.home, last.event.origin)) if isinstance(log, EventLog) else None
    content = None if tiles is None else tiles.read(CHECKPOINT)
    if content is None or not content.startswith(note):  # with the cosignatures that joined it, if any
        return _Under(statement, note, None)
    return _Under(statement, content, tiles)
