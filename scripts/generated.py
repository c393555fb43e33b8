"""The part of a page that a script makes: what stands between its two marks."""


def renewed(current: str, source: str, made: str) -> str:
    """Return the page `current` with `made` between the marks that name `source`; outside them it stays as it is.

    Raises: ValueError for a page without both marks, in that order.
    """
    begin, end = (f"<!-- generated from the {source}: {mark} -->\n" for mark in ("begin", "end"))
    before, found, rest = current.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        message = f"got a page without {begin.strip()} and {end.strip()}, want both"
        raise ValueError(message)
    return f"{before}{begin}{made}{end}{after}"
