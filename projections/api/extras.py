"""Packages that only some readers want, and that not everybody installs; and what they refuse."""

from importlib import import_module
from types import ModuleType

from ledger.errors import LedgerError


class MissingExtraError(LedgerError):
    """What was asked for is done by an optional package."""

    def __init__(self, module: str, *, extra: str) -> None:
        super().__init__(f"got no package {module}, want it installed")
        self.module, self.extra = module, extra
        # Where no command line adds its hint: a notebook shows notes under the error.
        self.add_note(f"hint: pip install 'b3-ledger[{extra}]'")


class SqlRefusedError(LedgerError):
    """A query is not one SELECT over relations, or DuckDB cannot answer it."""

    def __init__(self, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found}, want {wanted}")
        self.found, self.wanted = found, wanted


def load(module: str, *, extra: str) -> ModuleType:
    """Return the module, imported now; `extra` is the one of this package that brings it.

    Raises: MissingExtraError.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingExtraError(error.name, extra=extra) from error
