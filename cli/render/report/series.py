"""What a report says of one ticker's prices: a picture, and tables of what was revised, paid and is missing. Pure."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from cli.render.report import chart
from cli.render.report.markup import Html, element
from cli.render.report.tables import Column, moment, table
from cli.render.report.words import Phrases
from projections.api.disputes import DisputedAction
from projections.api.rows import Change, CorporateAction, MissingSession
from projections.report.facts import TickerFacts

ROWS = 8  # of each table: the newest; commands print the rest

T = TypeVar("T")

REVISIONS = (
    Column("date"),
    Column("field"),
    Column("old", "n"),
    Column("new", "n"),
    Column("change", "n"),
    Column("cause"),
    Column("learned"),
    Column("seq", "n"),
)
ACTIONS = (Column("date"), Column("action"), Column("amount", "n"), Column("learned"), Column("seq", "n"))
DOUBTS = (Column("date"), Column("family"), Column("told"), Column("reason", "long"))
GAPS = (Column("date"), Column("why"), Column("asked", "n"), Column("last_asked"))


def series(one: TickerFacts, say: Phrases, name: str) -> Html:
    """Return the part of one ticker; `name` makes its ids unique on the page."""
    heading = element("h3", one.ticker, id=name)
    if not one.prices:
        return element("article", heading, element("p", say("prices.none")), aria_labelledby=name)
    found = chart.revised(one)
    changes = [change for change in one.changes if change.cause != "rescale"]
    rescaled = [element("p", say("rescaled", count=found.rescaled), class_="soft")] if found.rescaled else []
    caption = element("figcaption", chart.description(one, found, say), chart.legend(one, found, say))
    return element(
        "article",
        heading,
        element("p", say(f"series.{one.prices[-1].basis}", source=one.provider), class_="soft"),
        element("figure", chart.picture(one, say, name), caption),
        *rescaled,
        _newest(say("revisions", ticker=one.ticker), REVISIONS, changes, _revision, say),
        _newest(say("actions", ticker=one.ticker), ACTIONS, one.actions, _action, say),
        _newest(say("doubts", ticker=one.ticker), DOUBTS, one.doubted, _doubt, say),
        _newest(say("gaps", ticker=one.ticker), GAPS, one.missing, _gap, say),
        aria_labelledby=name,
    )


def _newest(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[T],
    cells: Callable[[T, Phrases], Sequence[str]],
    say: Phrases,
) -> Html:
    """Return the table of the newest rows, newest first, and no table of none."""
    if not rows:
        return Html("")
    of_all = f" {say('newest', shown=ROWS, count=len(rows))}" if len(rows) > ROWS else ""
    return table(f"{caption}.{of_all}", columns, (cells(row, say) for row in reversed(rows[-ROWS:])), say)


def _revision(row: Change, say: Phrases) -> Sequence[str]:
    return (
        row.date.isoformat(),
        say(f"field.{row.field}"),
        "" if row.old is None else say.number(row.old),
        "" if row.new is None else say.number(row.new),
        "" if row.change is None else say.percent(row.change),
        say("cause.late" if row.late else f"cause.{row.cause}"),
        moment(row.learned_at),
        say.number(row.seq),
    )


def _action(row: CorporateAction, say: Phrases) -> Sequence[str]:
    what = say(f"action.{row.kind}")
    ratio = say("ratio", denominator=row.denominator, numerator=row.numerator) if row.numerator else "-"
    size = ratio if row.amount is None else say.number(row.amount)
    return row.date.isoformat(), what, size, moment(row.learned_at), say.number(row.seq)


def _doubt(row: DisputedAction, _say: Phrases) -> Sequence[str]:
    told = ", ".join(f"{name} {size}" for name, size in row.told.items())
    return row.date.isoformat(), row.family, told or "-", row.reason or row.state


def _gap(row: MissingSession, say: Phrases) -> Sequence[str]:
    why = say("gap.behind" if row.behind else "gap.rejected" if row.rejected else "gap.absent")
    if row.rejected_answers:
        why = f"{why}; {say('gap.answers', count=row.rejected_answers)}"
    asked_at = moment(max(filter(None, (row.last_asked_at, row.last_rejected_at)), default=None))
    return row.date.isoformat(), why, say.number(row.asked + row.rejected_answers), asked_at
