"""What a script makes goes between its two marks, and nothing else of the page changes."""

import pytest

from scripts.generated import renewed

BEGIN, END = "<!-- generated from the rules: begin -->\n", "<!-- generated from the rules: end -->\n"


def test_what_is_outside_the_marks_stays() -> None:
    """Whatever stood between them is gone."""
    assert f"a\n{BEGIN}new\n{END}b\n" == renewed(f"a\n{BEGIN}old\n{END}b\n", "rules", "new\n")


@pytest.mark.parametrize("page", ["", BEGIN, END, END + BEGIN])
def test_a_page_without_both_marks_in_order_is_refused(page: str) -> None:
    """It used to lose all that stood behind the place where one was missing."""
    with pytest.raises(ValueError, match="want both"):
        renewed(page, "rules", "new\n")
