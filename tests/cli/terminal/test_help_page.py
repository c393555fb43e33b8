"""Help is wrapped at the terminal's width, between words only."""

from collections.abc import Iterator

import click
import pytest

from cli.root import root

WIDE = 10_000


def pages(width: int, command: click.Command = root, parent: click.Context | None = None) -> Iterator[str]:
    """Yield the help of every command at `width`."""
    name = "main" if parent is None else command.name
    settings = {**command.context_settings, "terminal_width": width, "max_content_width": width}
    with click.Context(command, parent=parent, info_name=name, **settings) as context:
        yield command.get_help(context)
        if isinstance(command, click.Group):
            for below in command.list_commands(context):
                found = command.get_command(context, below)
                assert found is not None
                yield from pages(width, found, context)


@pytest.mark.parametrize("columns", [78, 98])
def test_no_word_is_broken_and_no_line_is_wider_than_the_terminal(columns: int) -> None:
    """The words of every page are those of a page that is never wrapped; a hyphen ends no line within a word."""
    for narrow, wide in zip(pages(columns), pages(WIDE), strict=True):
        assert [] == [line for line in narrow.splitlines() if len(line) > columns]
        assert wide.split() == narrow.split()


def test_commands_are_in_groups() -> None:
    """By what a person wants to do."""
    page = next(pages(78))
    headings = ["Fetch and import:", "Watch:", "Prices:", "Where numbers come from:", "Check, back up and repair:"]
    assert headings == [line for line in page.splitlines() if line in headings]
