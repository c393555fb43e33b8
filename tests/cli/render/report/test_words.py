"""Every word of a report is in one table, in both languages, and every word of the table is used."""

import ast
import re
from decimal import Decimal
from typing import Any, get_args

import pytest

from cli.render.report.words import LANGS, WORDS, Phrases
from ledger.values import ActionKind, Basis, LedgerKind
from projections.models.log_entry import Status
from projections.queries.bar_fields import FIELDS, Cause
from projections.queries.metrics_report import Severity
from projections.report.custody import CUSTODY
from projections.report.facts import ChainVerdict
from tests.support.cli import REPOSITORY

FIELD = re.compile(r"\{(\w+)\}")
KEY = re.compile(r"""["']([a-z_]+(?:\.[a-z_/0-9]+)*)["']""")
OF_MACHINES = re.compile(r"^main | --|[<=]")  # a command line, an option of one, markup
TWO_WORDS = re.compile(r"[A-Za-z]{3,} [A-Za-z]{3,}")
SOURCES = [
    path.read_text("utf-8")
    for path in sorted((REPOSITORY / "cli" / "render" / "report").glob("*.py"))
    if path.stem not in {"words", "style"}
]
# Keys that are put together, by what they begin with.
FAMILIES: dict[str, Any] = {
    "severity": (*get_args(Severity), "none"),
    "status": (*get_args(Status), "superseded"),
    "chain": get_args(ChainVerdict),
    "kind": get_args(LedgerKind),
    "series": get_args(Basis),
    "field": FIELDS,
    "cause": [cause for cause in get_args(Cause) if cause != "rescale"],
    "action": get_args(ActionKind),
    "event": [one.TAG for one in CUSTODY],
    "mark": ("correction", "withdrawn", "late", "missing", "split", "paid"),
}


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_say_it_with_the_same_values(key: str) -> None:
    """Neither is empty."""
    english, portuguese = WORDS[key]
    assert english
    assert portuguese
    assert sorted(set(FIELD.findall(english))) == sorted(set(FIELD.findall(portuguese)))


def test_every_word_of_the_vocabulary_has_its_key() -> None:
    """A new status, cause or action wants its words in both languages."""
    wanted = {f"{family}.{name}" for family, names in FAMILIES.items() for name in names}
    assert set() == wanted - WORDS.keys()


def test_every_key_is_used() -> None:
    """By name, or as one of a family."""
    written = {key for source in SOURCES for key in KEY.findall(source)}
    of_family = {f"{family}.{name}" for family, names in FAMILIES.items() for name in names}
    assert set() == WORDS.keys() - written - of_family


def test_no_text_of_the_page_is_outside_of_the_table() -> None:
    """No string of two words, but for docstrings and the commands that are printed."""
    found = []
    for source in SOURCES:
        tree = ast.parse(source)
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        found += [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
        ]
    assert [] == [text for text in found if TWO_WORDS.search(text) and not OF_MACHINES.search(text)]


@pytest.mark.parametrize(
    ("lang", "number", "price", "percent"),
    [("en", "1,234,567", "1,234.50", "+12.30%"), ("pt-BR", "1.234.567", "1.234,50", "+12,30%")],
)
def test_numbers_are_written_as_the_language_has_them(lang: Any, number: str, price: str, percent: str) -> None:
    """Prices keep their places."""
    say = Phrases(lang)
    assert (number, price, percent) == (say.number(1_234_567), say.number(Decimal("1234.50")), say.percent(0.123))
    assert number in say("events", count=1_234_567, seq=1)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 min 0 s"), (59, "0 min 59 s"), (3_600, "1 h 0 min"), (90_061, "1 d 1 h")]
)
def test_an_age_is_its_two_largest_units(seconds: int, said: str) -> None:
    """In either language."""
    assert [said] * 2 == [Phrases(lang).age(seconds) for lang in LANGS]
