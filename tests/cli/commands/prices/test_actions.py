"""Corporate actions as known, as known then, and as they were told."""

from pathlib import Path

from tests.cli.retelling import FIRST_DECISION, PAID, SECOND_DECISION, TICKER, look, objects


def test_an_action_is_printed_with_the_decision_that_it_holds_since(retold: Path) -> None:
    """A payment has an amount and no ratio."""
    expected = {
        "ticker": TICKER,
        "date": str(PAID),
        "kind": "dividend",
        "amount": 0.75,
        "numerator": None,
        "denominator": None,
        "cause": "first",
        "seq": SECOND_DECISION,
        "learned_at": "2026-02-13T12:00:00.000000Z",
        "provider": "yfinance",
        "com_date": None,
        "pay_date": None,
        "isin": None,
        "label": None,
        "strike": None,
    }
    assert [expected] == objects("actions", "--ticker", "petr4", cwd=retold)
    assert [expected] == objects("actions", "--ticker", "petr4", "--revisions", cwd=retold)


def test_an_earlier_position_knows_no_later_action(retold: Path) -> None:
    """Nothing is printed, and that is no failure."""
    result = look("actions", "--ticker", "petr4", "--as-of", str(FIRST_DECISION), cwd=retold)
    assert (0, "") == (result.code, result.out)


def test_text_is_a_line_an_action(retold: Path) -> None:
    """Amounts to a millionth of a real."""
    (line,) = look("actions", "--ticker", "petr4", cwd=retold).out.splitlines()
    assert [str(PAID), "dividend", "0.750000", "first"] == line.split()[:4]
