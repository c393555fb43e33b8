"""A ticker stands with `--ticker` or alone."""

from typing import Any

import click
import pytest

from cli.app.usage import message
from cli.context import ticker_option


@click.command()
@ticker_option.option("Whose.", required=True)
@click.option("--limit", type=int)
def one(**given: Any) -> None:
    """Take one ticker."""


@click.command()
@ticker_option.option("Whose.", multiple=True)
def many(**given: Any) -> None:
    """Take any number."""


@click.group(cls=ticker_option.TickerGroup, invoke_without_command=True)
@click.option("--ticker")
@click.option("--limit", type=int)
def group(**given: Any) -> None:
    """Take one, or a command."""


@group.command("below")
def below() -> None:
    """Do something else."""


def parsed(command: click.Command, line: str) -> dict[str, Any]:
    """Return what `command` receives for the words of `line`."""
    return command.make_context("x", line.split()).params


@pytest.mark.parametrize("line", ["--ticker petr4", "petr4", "PETR4.SA --limit 3", "--limit 3 petr4"])
def test_a_ticker_alone_is_the_ticker(line: str) -> None:
    """In its one spelling, on either side of the options."""
    assert parsed(one, line)["ticker"] == "PETR4.SA"


def test_several_stand_alone_where_several_may_be_given() -> None:
    """As with the option repeated."""
    expected = {"tickers": ("PETR4.SA", "VALE3.SA")}
    assert expected == parsed(many, "petr4 vale3") == parsed(many, "--ticker petr4 --ticker vale3")
    assert {"tickers": ()} == parsed(many, "")


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("", "got no --ticker, want one"),
        ("petr4 --ticker vale3", "got --ticker and PETR4.SA, want the ticker once"),
        ("petr4 vale3", "got PETR4.SA and VALE3.SA, want one ticker"),
    ],
)
def test_a_ticker_is_named_once(line: str, refused: str) -> None:
    """And where it is required, at least once."""
    with pytest.raises(click.UsageError) as caught:
        parsed(one, line)
    assert refused == message(caught.value)


@pytest.mark.parametrize("line", ["petr4 --limit 3", "--limit 3 petr4", "--limit 3 --ticker petr4"])
def test_a_group_takes_a_word_that_is_none_of_its_commands(line: str) -> None:
    """Its own commands keep their names."""
    assert {"ticker": "petr4", "limit": 3} == parsed(group, line)
    assert {"ticker": None, "limit": None} == parsed(group, "below")


def test_what_is_neither_a_command_nor_a_ticker_is_refused() -> None:
    """By both."""
    with pytest.raises(click.UsageError) as caught:
        group.main(["xx"], standalone_mode=False)
    assert message(caught.value) == "got 'xx', want a ticker or below"
