"""Relative changes on their way out."""


def change_text(change: float | None) -> str:
    """Return a relative change in percent with its sign, `-` where there is none."""
    return "-" if change is None else f"{change:+.4%}"
