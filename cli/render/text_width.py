"""How much room a text takes on a terminal, whose characters are not all one column wide. Pure."""

WIDE = frozenset({"W", "F"})  # Unicode Standard Annex 11, East Asian Width
JOINING = frozenset({"Mn", "Me", "Cf"})  # marks and the like: drawn on what stands before them
SOFT_HYPHEN = "\u00ad"  # one of them that terminals draw as a hyphen


def text_width(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def cut(text: str, width: int, end: str) -> str:
    """Return `text` within `width` columns: itself, or its beginning and `end`."""
    if text_width(text) <= width:
        return text
    room, kept = width - text_width(end), ""
    for char in text:
        room -= _width(char)
        if room < 0:
            break
        kept += char
    return kept + end


def padded(text: str, width: int, *, is_right: bool) -> str:
    """Return `text` with blanks up to `width` columns behind it, or before it where it stands to the right."""
    blanks = " " * (width - text_width(text))
    return blanks + text if is_right else text + blanks


def _width(char: str) -> int:
    if char.isascii():
        return 1
    # Imported here: nearly every text is ASCII.
    from unicodedata import category, east_asian_width

    if category(char) in JOINING and char != SOFT_HYPHEN:
        return 0
    return 2 if east_asian_width(char) in WIDE else 1
