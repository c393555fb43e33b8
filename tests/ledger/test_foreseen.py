"""What nobody foresaw becomes an error of ours, whatever it is; what is one already, or an order, passes."""

import errno
from pathlib import Path

import pytest

from ledger.errors import HandleShortageError, LedgerError, MemoryShortageError, NoLedgerError
from ledger.foreseen import UnforeseenError, foreseen


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OverflowError("too large"), "got OverflowError: too large, want none"),
        (RecursionError(), "got RecursionError, want none"),
        (KeyError("chart"), "got KeyError: 'chart', want none"),
        (ValueError("two\nlines"), "got ValueError: two lines, want none"),
        (ZeroDivisionError("x" * 10_000), f"got ZeroDivisionError: {'x' * 200}, want none"),
        (OSError("no http://user:pw@h/?token=1"), "got OSError: no http://***@h/?***, want none"),
        (AssertionError(), "got AssertionError, want none"),
    ],
)
def test_it_is_named_by_its_class_in_one_short_line(error: Exception, message: str) -> None:
    """With its stage, and itself as the cause."""
    with pytest.raises(UnforeseenError) as met, foreseen("judge"):
        raise error
    assert (message, "judge", error) == (str(met.value), met.value.stage, met.value.__cause__)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(MemoryError(), MemoryShortageError), (OSError(errno.EMFILE, "Too many open files"), HandleShortageError)],
)
def test_a_shortage_is_named_as_one(error: Exception, kind: type[LedgerError]) -> None:
    """It says nothing of what was worked on."""
    with pytest.raises(kind), foreseen("judge"):
        raise error


@pytest.mark.parametrize("error", [NoLedgerError(Path("x")), KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_errors_of_ours_and_orders_pass(error: BaseException) -> None:
    """The innermost stage is the one that counts."""
    with pytest.raises(type(error)) as met, foreseen("job"), foreseen("judge"):
        raise error
    assert error is met.value
