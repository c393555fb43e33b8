"""Packages that only some commands want, and that not everybody installs."""

from importlib import import_module
from types import ModuleType

from ledger.errors import LedgerError


class MissingExtraError(LedgerError):
    """A command was asked for what an optional package does."""

    def __init__(self, module: str, *, extra: str) -> None:
        super().__init__(f"got no package {module}, want it installed")
        self.module, self.extra = module, extra


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
