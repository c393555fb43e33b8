"""Checks a proof: by itself, and against a log where one is named."""

from pathlib import Path

from cli.app.settings import Settings
from cli.commands.proof import files
from cli.commands.proof.prove.row import ProvenRow, Session, proven_row
from cli.context import ledgers
from ledger.checkpoint.errors import NotProvenError
from ledger.checkpoint.note import VerifierKey
from ledger.checkpoint.tlog_proof import parse_proof
from ledger.checkpoint.tree import leaf


def checked(path: Path, key: VerifierKey, session: Session | None, given: Settings) -> ProvenRow:
    """Return what the proof at `path` shows, once `key` is found to have signed the tree that it leads to.

    Raises: NotProvenError, NoteError; UnreadableError; as reading the log does.
    """
    proof = parse_proof(files.read_note(path, limit_bytes=files.PROOF_LIMIT_BYTES))
    statement = files.signed_statement(proof.note, key)
    proof.check(statement)
    named = ledgers.archive_given() is not None
    if named:
        with ledgers.reading(given) as log:
            record = next(log.read(proof.index, proof.index + 1), None)
        if record is None:
            raise NotProvenError("a log that ends before it", wanted=f"one with seq {proof.index}")
        if leaf(record.seq, record.link, record.body) != proof.leaf:
            raise NotProvenError(f"another event at seq {proof.index} of the log", wanted="the one that is proven")
    return proven_row(proof, statement, key, session, ledger=named)
