"""The oracle: whatever a test did, the log re-hashes from its first byte and its read models rebuild to themselves."""

from blake3 import blake3

from ledger.chain import EMPTY_HEAD, GENESIS
from ledger.codec import decode_envelope, decode_event
from ledger.log_source import LogSource
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.audit.audit import audit_log
from projections.fold.digest import digest
from projections.fold.folding import empty_state, fold, replayed
from projections.store.registry import ALL
from projections.store.replaying import compare


def check_log(log: LogSource) -> None:
    """Assert that all that `log` holds is whole, and that its read models are a function of it alone."""
    check_chain(log)
    check_folds(log)
    if isinstance(log, EventLog):
        assert [] == compare(log, log.folder)


def check_home(home: LedgerHome) -> None:
    """Assert the same of the ledgers on disk under `home`, the real one and the sample's, where there are any."""
    for one in (home, home.sample):
        if one.current() is not None:
            with EventLog(one, now=lambda: 0, readonly=True) as log:
                check_log(log)
                check_audit(log)


def check_audit(log: LogSource) -> None:
    """Assert that whatever can be derived again from the answers of `log` comes out as it is recorded."""
    assert None is audit_log(log).first_difference


def check_chain(log: LogSource) -> None:
    """Assert that every link, seq, time and event holds, worked out here without the code under test."""
    link: bytes = GENESIS
    recorded_at, seq = 0, -1
    for seq, record in enumerate(log.read()):
        link = blake3(link + record.body).digest()
        assert (seq, link) == (record.seq, record.link)
        envelope = decode_envelope(seq, record.body)
        assert envelope.recorded_at >= recorded_at
        recorded_at = envelope.recorded_at
        decode_event(envelope)
    assert (log.head().size, log.head().link) == (seq + 1, link)


def check_folds(log: LogSource) -> None:
    """Assert that the read models come out the same whether the log is folded at once or in two cuts."""
    whole = replayed(log.read(), ALL)
    cut = log.head().size // 2
    state = empty_state(ALL)
    head = fold(log.read(0, cut), EMPTY_HEAD, ALL, state)
    head = fold(log.read(cut), head, ALL, state)
    assert whole[0] == head == log.head()
    assert {name: digest(tables) for name, tables in whole[1].items()} == {
        name: digest(tables) for name, tables in state.items()
    }
