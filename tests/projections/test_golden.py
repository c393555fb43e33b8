"""What each (projection, version) makes of one long story: a fold that changes without a new version fails here.

To remake after a change of version: run `replay(told(NUMBERS))`, and add the new pair; the old pair goes.
"""

from projections.store.registry import ALL
from projections.store.replaying import replay
from tests.projections.story import told

NUMBERS = [(number * 7919 + 13) % 1000 for number in range(400)]
GOLDEN = {
    ("prices", 4): "59a385e2ee786213efb78b03b1e0362a76610d344dd2722dc37ac6c1ed20826f",
    ("ingest_logs", 3): "577261baaef73608a4cf3bb4216010b96c1eaa9181cadbd9b4d42c8e6068d106",
    ("metrics", 9): "221cf5a0863d1a6bb68087651350a221361d2cccb29ebe1214d4ff49bbe4043c",
    ("instruments", 2): "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    ("snapshots", 1): "ff45598472c24a3214940f6d825af786e8128e821dcca029d0d5b0a6c5a796d2",
}


def test_each_version_of_a_fold_has_one_digest() -> None:
    """The same on any machine."""
    found = replay(told(NUMBERS))
    assert GOLDEN == {(one.name, one.version): found[one.name] for one in ALL}
