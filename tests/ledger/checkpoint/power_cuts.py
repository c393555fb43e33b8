"""A power cut right before or right after one step of what is tested."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest


class PowerCutError(BaseException):
    """What a kill is to the code that it ends."""


@contextmanager
def cut_at(owner: type, method: str, *, after: bool) -> Iterator[None]:
    """Have `method` of `owner` be the last thing that is begun here, or the last that is done; it must be reached."""
    real: Callable[..., object] = getattr(owner, method)

    def dies(*args: object, **kwargs: object) -> object:
        if after:
            real(*args, **kwargs)
        raise PowerCutError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, method, dies)
        with pytest.raises(PowerCutError):
            yield
