"""The peer `eventsourcing`, as its examples write it with msgspec; of the extra `bench`: imported where it is used."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from eventsourcing.persistence import EventStore, JSONTranscoder, Mapper, StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from eventsourcing.utils import get_topic

from ledger.codec import Draft
from ledger.events import EVENT_TYPES
from projections.fold.event_readers import FACTS

ORIGINATOR = UUID(int=1)
FULL = 2  # SQLite's default, and what durable means


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A domain event as that library's examples write one with msgspec, with what our envelope says besides."""

    TAG: ClassVar[str]

    originator_id: UUID
    originator_version: int
    recorded_at: int
    job_id: bytes
    cause: int | None
    stream: str

    @property
    def seq(self) -> int:
        """What our folds call its place."""
        return self.originator_version


def _told(types: Mapping[str, type[msgspec.Struct]], suffix: str) -> dict[str, Any]:
    """Return one class of domain events a tag, as that library wants, with the tag's data in it."""
    return {
        tag: msgspec.defstruct(
            cls.__name__ + suffix,
            [("data", cls)],
            bases=(Told,),
            namespace={"TAG": tag},
            module=__name__,
            frozen=True,
            kw_only=True,
        )
        for tag, cls in types.items()
    }


WRITTEN, READ = _told(EVENT_TYPES, "Told"), _told(FACTS, "Read")


class MsgpackMapper(Mapper[UUID]):
    """Domain events to and from msgpack: that library's msgspec example, its decoders made once."""

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())  # not used: both ways are ours
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = {get_topic(WRITTEN[tag]): msgspec.msgpack.Decoder(read).decode for tag, read in READ.items()}

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Return the event as the recorder takes it."""
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=get_topic(domain_event.__class__),
            state=self._encode(domain_event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Return the event that was stored, its data in the shape that our folds read."""
        return self._decode[stored_event.topic](stored_event.state)


class Eventsourcing:
    """The `eventsourcing` library's event store on its SQLite recorder, WAL, synchronous=FULL, the mapper above."""

    def __init__(self, file: Path) -> None:
        self._datastore = SQLiteDatastore(os.fspath(file))
        self._recorder = SQLiteApplicationRecorder(self._datastore)
        self._recorder.create_table()
        self._mapper = MsgpackMapper()
        self._store = EventStore(self._mapper, self._recorder)
        self._version = 0
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute("PRAGMA synchronous")
            (synchronous,) = cursor.fetchone()
        if synchronous != FULL:
            message = f"got synchronous={synchronous}, want {FULL}"
            raise ValueError(message)

    def append(self, drafts: Sequence[Draft]) -> None:
        """Make domain events of the drafts and put them, one transaction."""
        first = self._version
        self._store.put(
            [
                WRITTEN[draft.event.TAG](
                    originator_id=ORIGINATOR,
                    originator_version=version,
                    recorded_at=version,
                    job_id=draft.job_id,
                    cause=draft.cause,
                    stream=draft.stream,
                    data=draft.event,
                )
                for version, draft in enumerate(drafts, first)
            ]
        )
        self._version += len(drafts)

    def replay(self, page: int = 10_000) -> Iterator[Any]:
        """Yield every event in order, decoded."""
        start = 1
        while found := self._recorder.select_notifications(start, page):
            yield from map(self._mapper.to_domain_event, found)
            start = found[-1].id + 1

    def close(self) -> None:
        """Close every connection."""
        self._datastore.close()
