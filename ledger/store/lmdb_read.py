"""Read transactions of LMDB that see one commit, whole, and never one that is not announced yet.

LMDB keeps two meta pages and a number that says which of them is current. A reader takes the number, then copies
that meta page. Where it is suspended in between, two commits later the page is being written anew: the reader gets
a commit that is not yet synced nor announced, or a mix of two, and its next transaction sees an *older* log.
One writer follows another only once the number is announced. So what was copied is whole as long as the other meta
page holds no newer commit; where it does (its writer is about to announce it, or died), as long as a second
transaction, begun after the first, still gets the same number.

Source: LMDB 0.9 `mdb.c`, `mdb_txn_renew0`, `mdb_env_write_meta`.
"""

from collections.abc import Callable
from typing import Any

import lmdb


def begin_reading(env: Any, *, adopt_map: Callable[[], None]) -> Any:
    """Begin a read transaction that sees the newest announced commit; the caller ends it.

    `adopt_map` takes the map size that another process gave the file; it is called while no transaction that was
    begun here is open.

    Raises: lmdb.Error, ReadersFullError where live readers leave no slot, or a single one while somebody commits.
    """
    while True:
        try:
            return _settled(env)
        except lmdb.MapResizedError:
            adopt_map()
        except lmdb.ReadersFullError:
            if not env.reader_check():
                raise


def _settled(env: Any) -> Any:
    txn = env.begin()
    try:
        while env.info()["last_txnid"] != txn.id():
            later = env.begin()
            if later.id() == txn.id():
                later.abort()
                break
            txn.abort()
            txn = later
    except BaseException:
        txn.abort()
        raise
    return txn
