"""What a read model is: a fold with a name, a version, and no memory of its own."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ledger.codec import Envelope
from projections.fold.event_readers import Fact
from projections.fold.tables import Tables

Told = tuple[Envelope, Fact]  # an event as a fold reads it


class Projection(Protocol):
    """A deterministic fold over the log.

    All its state is in its tables: a new object in the middle of a log continues as the old one would have.
    Whatever changes the bytes it writes changes its version, and a stored state of another version is rebuilt.
    """

    @property
    def name(self) -> str:
        """The word that stands for it in commands, digests and stored tables."""
        ...

    @property
    def version(self) -> int:
        """Grows with every change to what `apply` writes."""
        ...

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables it writes."""
        ...

    @property
    def rewritten(self) -> frozenset[str]:
        """Its tables whose rows a batch holds in memory and writes each once, in order of keys.

        Those whose rows change again and again; and those that are stored as chains, where rows cost little that come
        many at a time.
        """
        ...

    @property
    def reads(self) -> frozenset[str]:
        """The tags of the events that `apply` is given."""
        ...

    def apply(self, tables: Tables, envelope: Envelope, fact: Fact) -> None:
        """Bring `tables` from before the event to after it; no clock, disk, environment or randomness."""
        ...


@runtime_checkable
class TogetherProjection(Projection, Protocol):
    """A read model to which many events at once cost less than each by itself."""

    def apply_all(self, tables: Tables, events: Sequence[Told]) -> None:
        """Do what `apply` does with each of `events`, in their order, however many of them come together."""
        ...
