"""A thing is open once however many share it, and closed with the last of them."""

import pytest

from ledger.store.shared import Shared


class Door:
    """Says whether it was closed."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.is_closed = False

    def close(self) -> None:
        """Close it; once."""
        assert not self.is_closed
        self.is_closed = True


def test_those_at_one_place_share_one_thing() -> None:
    """Others have their own; whoever comes after the last has a new one."""
    shared = Shared[str, Door]()
    with shared.opened(lambda: "a", Door) as first:
        with shared.opened(lambda: "a", Door) as second, shared.opened(lambda: "b", Door) as other:
            assert first is second
            assert ("a", "b") == (first.place, other.place)
        assert (False, True) == (first.is_closed, other.is_closed)
    assert first.is_closed
    with shared.opened(lambda: "a", Door) as later:
        assert first is not later


def test_what_fails_to_open_is_not_kept() -> None:
    """The next one opens it, and what is raised meanwhile closes it too."""
    shared = Shared[str, Door]()

    def fails(place: str) -> Door:
        raise LookupError(place)

    with pytest.raises(LookupError, match="a"), shared.opened(lambda: "a", fails):
        pass
    with pytest.raises(KeyError), shared.opened(lambda: "a", Door) as door:
        raise KeyError
    assert door.is_closed
