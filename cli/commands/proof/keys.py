"""Keys on the command line: a verifier key written out or in a file, and the signing key that settings name."""

from pathlib import Path

import click

from cli.app.settings import Settings
from ledger.checkpoint.errors import KeyTextError
from ledger.checkpoint.key_file import LIMIT_BYTES, read_key
from ledger.checkpoint.note import COSIGNATURE, ED25519, PRIVATE, SigningKey, VerifierKey, parse_verifier

KEY_VARIABLE = "CHECKPOINT_KEY"


class VerifierKeyType(click.ParamType[VerifierKey]):
    """A verifier key, `NAME+ID+KEY`, or a file that holds one; a file with the signing key will do."""

    name = "key|file"

    def __init__(self, kind: bytes = ED25519) -> None:
        self._kind = kind

    def convert(
        self, value: str | VerifierKey, param: click.Parameter | None, ctx: click.Context | None
    ) -> VerifierKey:
        """Return the key, or refuse what is none."""
        if isinstance(value, VerifierKey):
            return value
        path = Path(value)
        try:
            if not path.is_file():
                return parse_verifier(value, self._kind)
            with path.open("rb") as file:
                content = file.read(LIMIT_BYTES).decode("utf-8")
            if content.startswith(PRIVATE) and self._kind == ED25519:
                return read_key(path).verifier()
            return parse_verifier(content, self._kind)
        except KeyTextError as error:
            self.fail(str(error), param, ctx)
        except (OSError, UnicodeDecodeError):
            self.fail(f"got no key in {value}, want one as main key show prints it", param, ctx)


VERIFIER_KEY = VerifierKeyType()
WITNESS_KEY = VerifierKeyType(COSIGNATURE)


def signing_key(context: click.Context, path: Path | None, given: Settings) -> SigningKey:
    """Return the key in the file `path`, else in the one that CHECKPOINT_KEY names; a usage error without either.

    Raises: KeyFileError; UnreadableError.
    """
    chosen = path or given.checkpoint_key
    if chosen is None:
        context.fail(f"got no key, want --key FILE or {KEY_VARIABLE}: main key new --out FILE makes one")
    return read_key(chosen)
