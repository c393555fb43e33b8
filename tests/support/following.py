"""Events of any contents, made to follow from each other: decisions answer evidence, and commit to their series."""

from collections.abc import Iterable

from msgspec.structs import replace

from ledger.audit.series_fold import SeriesDecision, SeriesFold
from ledger.chain import Record
from ledger.codec import Draft, decode_envelope, decode_event
from ledger.events import Event, FetchSucceeded, IngestFailed, SnapshotWritten, ValidationCompleted
from ledger.files.scratch import ScratchMap
from ledger.market.series import Series
from tests.support.drafts import connection_tested
from tests.support.rechained import changed


class Following:
    """What a log holds so far, as far as later events have to follow from it."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._fold = SeriesFold(ScratchMap())
        self._fetched: dict[Series, int] = {}
        self._decided: dict[str, int] = {}
        for record in records:
            self._learn(record.seq, decode_event(decode_envelope(record.seq, record.body)))

    def drafts(self, drafts: Iterable[Draft], size: int) -> tuple[Draft, ...]:
        """Return `drafts`, to be appended to a log of `size` events, with causes, series and states that are true."""
        made = []
        for seq, draft in enumerate(drafts, size):
            made.append(self._true(draft))
            self._learn(seq, made[-1].event)
        return tuple(made)

    def _true(self, draft: Draft) -> Draft:
        event = draft.event
        if isinstance(event, ValidationCompleted):
            return self._decision(draft, event)
        if isinstance(event, IngestFailed):
            wanted = self._fetched.get(Series(event.ticker, event.provider))
        elif isinstance(event, SnapshotWritten):
            wanted = self._decided.get(event.ticker)
        else:
            return draft
        return replace(draft, cause=None if draft.cause is None else wanted)

    def _decision(self, draft: Draft, event: ValidationCompleted) -> Draft:
        series = Series(event.ticker, event.provider)
        if series not in self._fetched:
            series = next(iter(self._fetched), series)
        cause = self._fetched.get(series)
        if cause is None:
            # Nothing was answered yet that could be decided on.
            return replace(draft, event=connection_tested(1).event, stream="ledger", cause=None)
        stream = draft.stream if draft.stream == "ledger" else series.ticker
        event = replace(event, ticker=series.ticker, provider=series.provider)
        # And once more when it is learned: the same.
        before, after = self._fold.apply(0, _as_read(event), committing=True)
        return replace(draft, event=replace(event, before=before, after=after), stream=stream, cause=cause)

    def _learn(self, seq: int, event: Event) -> None:
        if isinstance(event, FetchSucceeded):
            self._fetched[Series(event.ticker, event.provider)] = seq
        elif isinstance(event, ValidationCompleted):
            self._decided[event.ticker] = seq
            self._fold.apply(seq, _as_read(event), committing=True)


def _as_read(event: ValidationCompleted) -> SeriesDecision:
    return SeriesDecision(**{name: getattr(event, name) for name in SeriesDecision.__struct_fields__})


def restated(bodies: Iterable[bytes]) -> list[bytes]:
    """Return `bodies` with the states of their decisions of version 2 worked out again: what a careful forger does."""
    fold, found = SeriesFold(ScratchMap()), list(bodies)
    for seq, body in enumerate(found):
        envelope = decode_envelope(seq, body)
        event = decode_event(envelope)
        if not isinstance(event, ValidationCompleted):
            continue
        before, after = fold.apply(seq, _as_read(event), committing=True)
        if (before, after) != (event.before, event.after):
            found[seq] = changed(found, seq, data={"before": before, "after": after})[seq]
    return found
