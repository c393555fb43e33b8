"""A day may be written as notebooks write it: a date, text, a Timestamp, a datetime64."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from projections.api.days import as_of_written, day_of, day_or_none

DAY = date(2026, 2, 13)


@pytest.mark.parametrize(
    "written",
    [
        DAY,
        "2026-02-13",
        "2026-02-13 00:00:00",
        datetime(2026, 2, 13),  # noqa: DTZ001 - as a Timestamp of a day is
        pd.Timestamp("2026-02-13"),
        pd.Timestamp("2026-02-13 10:00", tz="America/Sao_Paulo"),
        datetime(2026, 2, 14, 1, tzinfo=UTC),  # ten in the evening of the day before, in São Paulo
        np.datetime64("2026-02-13"),
        np.datetime64("2026-02-13T00:00:00"),
    ],
    ids=repr,
)
def test_a_day_is_a_day(written: Any) -> None:
    """However it is written."""
    assert (DAY, date) == (day_of(written), type(day_of(written)))


@pytest.mark.parametrize("written", ["ontem", "13/02/2026", "", 20260213, 1.5, pd.NaT, "2026-02-30", [DAY]], ids=repr)
def test_what_is_no_day_is_refused(written: Any) -> None:
    """With what was got."""
    with pytest.raises(ValueError, match=r"got .*, want a day such as 2026-02-13|NaTType"):
        day_of(written)


def test_nothing_is_no_bound() -> None:
    """As None is everywhere."""
    assert (None, DAY) == (day_or_none(None), day_or_none("2026-02-13"))


def test_a_position_of_a_day_is_that_day() -> None:
    """A Timestamp at midnight is no time without an offset; a seq, a text and an aware time are as they were."""
    at = datetime(2026, 2, 13, 12, tzinfo=UTC)
    for written in (pd.Timestamp("2026-02-13"), DAY):
        assert DAY == as_of_written(written)
    assert "2026-02-13" == as_of_written(np.datetime64("2026-02-13"))
    assert [3, "3", at] == [as_of_written(written) for written in (3, "3", at)]
