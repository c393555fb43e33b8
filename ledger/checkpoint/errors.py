"""What can be wrong with keys, notes, tiles and proofs, and when nothing is signed."""

from pathlib import Path

from ledger.errors import LedgerError


class KeyTextError(LedgerError):
    """A text is no key of a signed note."""

    def __init__(self, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found}, want {wanted}")
        self.found, self.wanted = found, wanted


class KeyFileError(LedgerError):
    """A file holds no signing key, or others may read it."""

    def __init__(self, path: Path, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found} at {path}, want {wanted}")
        self.path, self.found, self.wanted = path, found, wanted


class NoteError(LedgerError):
    """A checkpoint is not signed by the key that was given, or is none; nothing in it is believed."""

    def __init__(self, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found}, want {wanted}")
        self.found, self.wanted = found, wanted


class TileError(LedgerError):
    """A published file is not what the signed tree has there."""

    def __init__(self, path: Path | str, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found} at {path}, want {wanted}")
        self.path, self.found, self.wanted = path, found, wanted


class NotProvenError(LedgerError):
    """A proof does not show what it is for."""

    def __init__(self, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found}, want {wanted}")
        self.found, self.wanted = found, wanted


class NotAnExtensionError(LedgerError):
    """The log does not extend a checkpoint that was signed of it; nothing is signed. `seq` is the first difference."""

    def __init__(self, *, witness: str, size: int, seq: int | None, found: str) -> None:
        place = "" if seq is None else f" at seq {seq}"
        super().__init__(f"got {found}{place}, want the log of {size} events that the {witness} signed")
        self.witness, self.size, self.seq, self.found = witness, size, seq, found


class OtherOriginError(LedgerError):
    """A folder, or a URL, holds the checkpoints of another log, or of this one before a restore."""

    def __init__(self, where: str, found: str, *, wanted: str) -> None:
        super().__init__(f"got checkpoints of {found} at {where}, want those of {wanted}")
        self.where, self.found, self.wanted = where, found, wanted


class SignedElsewhereError(LedgerError):
    """Another machine is about to publish the next checkpoint at the same URL; nothing was signed."""

    def __init__(self, where: str) -> None:
        super().__init__(f"got another checkpoint under way at {where}, want to be the only one that signs there")
        self.where = where


class OtherLedgerError(LedgerError):
    """A checkpoint is of another ledger than the one it was held against."""

    def __init__(self, found: str, *, wanted: str) -> None:
        super().__init__(f"got ledger {found}, want {wanted}, which the checkpoint is of")
        self.found, self.wanted = found, wanted


class KeyNameError(LedgerError):
    """A key was to be named after a ledger, and there is none."""

    def __init__(self) -> None:
        super().__init__("got no ledger to name the key after, want --name NAME")


class NotCoveredError(LedgerError):
    """No checkpoint covers the event that was to be proven."""

    def __init__(self, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found}, want {wanted}")
        self.found, self.wanted = found, wanted


class NoAnswerError(LedgerError):
    """Somebody outside who was asked about a checkpoint did not answer as the protocol has it; it can be asked again.

    `asked` is a URL without what it may hide.
    """

    def __init__(self, asked: str, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found} from {asked}, want {wanted}")
        self.asked, self.found, self.wanted = asked, found, wanted


class TimestampError(LedgerError):
    """An authority's answer does not date what it was asked about, or is by nobody who is trusted."""

    def __init__(self, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found}, want {wanted}")
        self.found, self.wanted = found, wanted


class CosignatureError(LedgerError):
    """A witness saw another history of this log, or its answer is no cosignature of this checkpoint by a known key."""

    def __init__(self, asked: str, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found} from {asked}, want {wanted}")
        self.asked, self.found, self.wanted = asked, found, wanted


class RootCertificateError(LedgerError):
    """A file holds no certificates."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"got no certificate in {path}, want the authority's root in PEM")
        self.path = path
