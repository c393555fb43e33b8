"""What SEQ|TIME is on the command line."""

import click

from projections.queries.position import UpTo, UpToSeq, UpToTime, parse, position, recorded_at

__all__ = ["UP_TO", "UpTo", "UpToSeq", "UpToTime", "UpToType", "parse", "position", "recorded_at"]


class UpToType(click.ParamType[UpTo]):
    """How far into the log: a seq, a UTC day or a time; see `projections.queries.position.parse`."""

    name = "seq|time"

    def convert(self, value: str | UpTo, param: click.Parameter | None, ctx: click.Context | None) -> UpTo:
        """Return how far `value` reaches, or refuse it."""
        if not isinstance(value, str):
            return value
        try:
            return parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


UP_TO = UpToType()
