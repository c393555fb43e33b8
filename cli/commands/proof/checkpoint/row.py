"""What `main checkpoint` prints. Pure."""

from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec.structs import replace

from cli.commands.proof.checkpoint.outside import OutsideAnswers
from cli.render import times
from ledger.checkpoint.note import SigningKey
from ledger.checkpoint.outside.stamping import Timestamped
from ledger.checkpoint.outside.witnessing import US_A_SECOND
from ledger.checkpoint.signing import Signed
from ledger.checkpoint.statement import Statement


class TimestampRow(msgspec.Struct, frozen=True, kw_only=True):
    """That `authority` saw the checkpoint at `time`: the event at `seq` has its answer, and `file` where one lies.

    `unchanged` when it had said so before.
    """

    status: Literal["stamped", "unchanged"]
    authority: str
    time: str
    seq: int
    file: str | None


class CosignedRow(msgspec.Struct, frozen=True, kw_only=True):
    """That the witness named `witness`, asked at `url`, cosigned at `time`; `seq` is that of its event."""

    status: Literal["cosigned", "unchanged"]
    witness: str
    url: str
    time: str
    seq: int


class CheckpointRow(msgspec.Struct, frozen=True, kw_only=True):
    """The first `size` events of `origin`, signed; hashes are hex, `head` is the last link, `key` the verifier key.

    `unchanged` when it had been signed before and nothing came since. `seq` is that of its event; `note` is all of
    what was signed, `checkpoint` the file or the URL that holds it, `new_files` how many tiles were added below it.
    With --timestamp either `timestamp` is there, or `not_stamped` says why it is not; with --witness `cosignatures`
    are those of all that answered, which are in `note` as well, and `not_cosigned` says of each other one why not.
    """

    status: Literal["signed", "unchanged"]
    origin: str
    size: int
    head: str
    root: str
    key: str
    seq: int
    note: str
    checkpoint: str | None
    new_files: int
    elapsed_sec: float
    timestamp: TimestampRow | None = None
    not_stamped: str | None = None
    cosignatures: tuple[CosignedRow, ...] = ()
    not_cosigned: tuple[str, ...] = ()


class ExtensionRow(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the newer of two checkpoints extends the older one; `proof` is the consistency proof, hex.

    `rolled_back` when the newer one covers fewer events, `forked` when it covers others.
    """

    verdict: Literal["extends", "rolled_back", "forked"]
    origin: str
    old_size: int
    new_size: int
    old_root: str
    new_root: str
    proof: tuple[str, ...]


def row(signed: Signed, key: SigningKey, elapsed_s: float) -> CheckpointRow:
    """Return what is printed of `signed`."""
    return CheckpointRow(
        status="unchanged" if signed.repeated else "signed",
        origin=signed.statement.origin,
        size=signed.statement.size,
        head=signed.link.hex(),
        root=signed.statement.root.hex(),
        key=str(key.verifier()),
        seq=signed.seq,
        note=signed.note.decode(),
        checkpoint=None if signed.published is None else signed.published.checkpoint_at(signed.statement),
        new_files=signed.new_files,
        elapsed_sec=round(elapsed_s, 3),
    )


def timestamp(found: Timestamped) -> TimestampRow:
    """Return what is printed of a timestamp."""
    return TimestampRow(
        status="unchanged" if found.repeated else "stamped",
        authority=found.authority,
        time=times.exact(found.time),
        seq=found.seq,
        file=found.file,
    )


def with_answers(found: CheckpointRow, answers: OutsideAnswers) -> CheckpointRow:
    """Return the row with what others said."""
    rows = [
        (
            one,
            CosignedRow(
                status="unchanged" if said.repeated else "cosigned",
                witness=one.key.name,
                url=said.url,
                time=times.exact(one.time_s * US_A_SECOND),
                seq=seq,
            ),
        )
        for said in answers.cosigned
        for one, seq in zip(said.cosignatures, said.seqs, strict=True)
    ]
    stamped = answers.timestamp
    return replace(
        found,
        note=found.note + "".join(one.line for one, _ in rows),
        cosignatures=tuple(row for _, row in rows),
        not_cosigned=tuple(answers.not_cosigned),
        timestamp=None if stamped is None else timestamp(stamped),
        not_stamped=answers.not_stamped,
    )


def answer_words(found: CheckpointRow) -> Iterator[str]:
    """Yield what others said, a line each."""
    for one in found.cosignatures:
        yield f"{one.status}: by {one.witness} at {one.time}, asked at {one.url}, recorded at seq {one.seq}"
    for why in found.not_cosigned:
        yield f"warning: signed, and not cosigned: {why}"
    if found.timestamp is not None:
        yield timestamp_words(found.timestamp)
    if found.not_stamped is not None:
        yield f"warning: signed, and not stamped: {found.not_stamped}"


def timestamp_words(found: TimestampRow) -> str:
    """Return when the checkpoint was seen and by whom, in a line."""
    place = "" if found.file is None else f", kept as {found.file}"
    return f"{found.status}: seen at {found.time} by {found.authority}, recorded at seq {found.seq}{place}"


def words(found: CheckpointRow) -> str:
    """Return what was done, in a line."""
    events = f"{found.size} events, root {found.root[:16]}…, recorded at seq {found.seq}"
    return f"{found.status}: {events}, published as {found.checkpoint} with {found.new_files} new tiles"


def extension(
    verdict: Literal["extends", "rolled_back", "forked"], old: Statement, new: Statement, proof: list[bytes]
) -> ExtensionRow:
    """Return what is printed of two checkpoints held against each other."""
    return ExtensionRow(
        verdict=verdict,
        origin=new.origin,
        old_size=old.size,
        new_size=new.size,
        old_root=old.root.hex(),
        new_root=new.root.hex(),
        proof=tuple(one.hex() for one in proof),
    )


def extension_text(found: ExtensionRow) -> str:
    """Return the verdict as a person reads it."""
    if found.verdict == "extends":
        return f"extends: {found.old_size} events, then {found.new_size}, proven by {len(found.proof)} hashes"
    if found.verdict == "rolled_back":
        return f"rolled_back: got {found.new_size} events, want at least the {found.old_size} of the older one"
    return f"forked: got a tree of {found.new_size} events that does not extend the {found.old_size} of the older one"
