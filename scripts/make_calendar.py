"""Write `ledger/market/b3_calendar.py` from the BVMF calendar of exchange_calendars.

Run it from the root of the repository after an upgrade of exchange_calendars:

    python scripts/make_calendar.py
"""

from datetime import date, timedelta
from pathlib import Path

import exchange_calendars

FIRST = date(1998, 1, 1)
LAST = date(2030, 12, 31)
SATURDAY = 5
TARGET = Path(__file__).resolve().parent.parent / "ledger" / "market" / "b3_calendar.py"

HEADER = '''"""The weekdays on which B3 was or will be closed, one line per year. Generated; do not edit.

Remade by `python scripts/make_calendar.py`; a test holds it to its source.
Days are `MM-DD`; every other weekday from `FIRST` to `LAST` is a session, half days such as Ash Wednesday too.

Source: exchange_calendars, calendar "BVMF".
"""

from datetime import date
'''


def closed_weekdays() -> list[date]:
    """Return the weekdays from `FIRST` to `LAST`, both inclusive, that are no session."""
    calendar = exchange_calendars.get_calendar("BVMF", start=FIRST.isoformat(), end=LAST.isoformat())
    sessions = {stamp.date() for stamp in calendar.sessions}
    days = (FIRST + timedelta(days=count) for count in range((LAST - FIRST).days + 1))
    return [day for day in days if day.weekday() < SATURDAY and day not in sessions]


def year_line(year: int, days: list[date]) -> str:
    """Return the table's line for `year`."""
    return f'    {year}: "{" ".join(f"{day:%m-%d}" for day in days if day.year == year)}",'


def module_text() -> str:
    """Return the generated module, newline at its end."""
    days = closed_weekdays()
    bounds = (f"{name} = date({day.year}, {day.month}, {day.day})" for name, day in (("FIRST", FIRST), ("LAST", LAST)))
    years = (year_line(year, days) for year in range(FIRST.year, LAST.year + 1))
    return "\n".join((HEADER, *bounds, "", "CLOSED: dict[int, str] = {", *years, "}", ""))


if __name__ == "__main__":
    TARGET.write_text(module_text(), encoding="utf-8")
