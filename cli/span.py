"""What `--since` and `--until` take: a whole UTC day, or a time."""

import click
import msgspec

from cli import params, times


class Span(msgspec.Struct, frozen=True):
    """From `first_us` to `last_us`, microseconds UTC, both inclusive; a time is a span of one microsecond."""

    first_us: int
    last_us: int


class SpanType(click.ParamType[Span]):
    """A UTC day as YYYY-MM-DD, or a time that says its offset."""

    name = "date|time"

    def convert(self, value: str | Span, param: click.Parameter | None, ctx: click.Context | None) -> Span:
        """Return the span that `value` names, or refuse it."""
        if not isinstance(value, str):
            return value
        try:
            return parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


SPAN = SpanType()


def parse(written: str) -> Span:
    """Return the span of a day or a time.

    Raises: ValueError for any other text.
    """
    if "T" in written.upper():
        at_us = times.parse(written)
        return Span(at_us, at_us)
    first_us = times.day_start(params.day(written))
    return Span(first_us, first_us + times.DAY_US - 1)
