"""Exact prices: a provider's float becomes an int of millionths of a real, which is shown as a plain decimal. Pure."""

import math
import struct
from array import array
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

MICROS_PER_REAL = 1_000_000
LIMIT_MICROS = 2**63  # what a signed integer holds in SQL and in other languages

AMOUNTS_PER_REAL = 1_000_000_000_000  # what a share pays is counted in 10^-12

MICROS_PER_CENTAVO = 10_000
_PLACES = 6
_AMOUNT_PLACES = 12
_PLACES_MIN = 2
_CENTAVOS_TOLD_APART = 65_536  # reais: up to here float32s are less than half a centavo apart
_FLOAT32_DIGITS = 6  # a decimal of so many names a float32 of its own, which gives it back: fewer need no look
_FLOAT32_DIGITS_MAX = 9  # enough to name any float32
_FAR_FROM_HALF = 0.499  # millionths: floats of prices that are told apart so are nearer to themselves by far
_OLD_SHARES_MAX = 1000  # groupings of more shares into one are not known

_float32 = struct.Struct("f")


@lru_cache(maxsize=32_768)  # prices repeat: from one answer to the next, and among open, high, low and close
def price_micros(value: float) -> int:
    """Return `value` reais in millionths, read from its shortest decimal.

    A float32 that the provider widened stands for the shortest decimal that names that float32:
    37.31999969482422 is 37.32. Any other float stands for its own shortest repr. Rounded half-even to 6 places.

    Raises: ValueError for NaN, an infinity, or more than 63 bits of millionths.
    """
    if -_CENTAVOS_TOLD_APART < value < _CENTAVOS_TOLD_APART:
        centavos = round(value * 100)
        nearest = centavos / 100
        # No shorter decimal names such a float: it would be whole centavos too, and those have floats of their own.
        if nearest == value or _widened(nearest) == value:
            return centavos * MICROS_PER_CENTAVO
        if _widened(value) != value:
            # Its shortest decimal is what the float is, but for far less than keeps the two from the same millionth.
            scaled = value * MICROS_PER_REAL
            micros = round(scaled)
            if abs(scaled - micros) < _FAR_FROM_HALF:
                return micros
    return _scaled(value, _PLACES)


def prices_micros(values: Sequence[float]) -> list[int]:
    """Return what `price_micros` does of each of many prices, at a third of its cost for those that are new to it.

    Raises: as it does.
    """
    # A sum tells of any that is NaN or infinite.
    bounded = values and math.isfinite(sum(values)) and max(map(abs, values)) < _CENTAVOS_TOLD_APART
    if not bounded:
        return list(map(price_micros, values))
    centavos = [round(value * 100) for value in values]
    nearest = [whole / 100 for whole in centavos]
    widened = zip(array("f", nearest), array("f", values), strict=True)
    return [
        whole * MICROS_PER_CENTAVO
        if value in (near, as_float32)
        else price_micros(value)
        if value == itself_as_float32
        else micros
        if abs((scaled := value * MICROS_PER_REAL) - (micros := round(scaled))) < _FAR_FROM_HALF
        else _scaled(value, _PLACES)
        for value, whole, near, (as_float32, itself_as_float32) in zip(values, centavos, nearest, widened, strict=True)
    ]


def amount_exact(value: float) -> int:
    """Return `value` reais in 10^-12 of a real, read as `price_micros` reads it, half-even to 12 places.

    Raises: ValueError for NaN, an infinity, or more than 63 bits of 10^-12.
    """
    return _scaled(value, _AMOUNT_PLACES)


def reais(micros: int) -> float:
    """Return a float that `price_micros` reads as `micros`.

    Raises: ValueError where there is none: past 15 digits floats are further apart than millionths.
    """
    value = micros / MICROS_PER_REAL
    # The shortest decimal of a float32 may drop a digit; the next float64 is not a float32, and rounds the same.
    for candidate in (value, math.nextafter(value, math.inf)):
        if price_micros(candidate) == micros:
            return candidate
    raise ValueError(f"got {price_text(micros)}, want a price of at most 15 digits")


def split_ratio(value: float) -> tuple[int, int]:
    """Return a split as (new, old) shares in lowest terms, `old` at most 1000.

    A third as a float, however rounded, is (1, 3).

    Raises: ValueError for anything that is not a number above 0, or nearer to 0 than 1 to 1000.
    """
    # Importing fractions costs more than everything else here together, and splits are rare.
    from fractions import Fraction

    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"got split ratio {value}, want a number above 0")
    ratio = Fraction(value).limit_denominator(_OLD_SHARES_MAX)
    if not 0 < ratio < LIMIT_MICROS:
        raise ValueError(f"got split ratio {value}, want at least 1 to {_OLD_SHARES_MAX}")
    return ratio.numerator, ratio.denominator


def price_text(micros: int) -> str:
    """Return millionths as a plain decimal: two places at least, no zero at the end past them."""
    whole, places = divmod(micros, MICROS_PER_REAL)
    centavos, finer = divmod(places, MICROS_PER_CENTAVO)
    # Nearly every price, millions of which are written.
    return f"{whole}.{centavos:02}" if not finer and micros >= 0 else _text(micros, _PLACES)


def amount_text(amount: int) -> str:
    """Return 10^-12 of a real as a plain decimal: two places at least, no zero at the end past them."""
    return _text(amount, _AMOUNT_PLACES)


def price_from_text(text: str) -> int:
    """Return the millionths that a plain decimal names, exactly.

    Raises: ValueError for anything else, including an exponent or a seventh decimal place.
    """
    return _from_text(text, _PLACES)


def amount_from_text(text: str) -> int:
    """Return the 10^-12 that a plain decimal names, exactly.

    Raises: ValueError for anything else, including an exponent or a thirteenth decimal place.
    """
    return _from_text(text, _AMOUNT_PLACES)


def _from_text(text: str, limit: int) -> int:
    whole, point, places = text.removeprefix("-").partition(".")
    is_short = len(places) <= limit and len(whole.lstrip("0")) <= len(str(LIMIT_MICROS // 10**limit))
    if not is_short or not _is_decimal(whole) or (point and not _is_decimal(places)):
        raise ValueError(f"got price {text!r}, want a plain decimal of at most {limit} places")
    scaled = int(whole + places.ljust(limit, "0"))
    return -scaled if text.startswith("-") else scaled


def _scaled(value: float, places: int) -> int:
    if not math.isfinite(value):
        raise ValueError(f"got price {value}, want a number")
    text = _shortest(value)
    whole, _, fraction = text.partition(".")
    if len(fraction) <= places and "e" not in text:
        scaled = int(whole + fraction.ljust(places, "0"))
    else:
        scaled = int(Decimal(text).scaleb(places).to_integral_value(ROUND_HALF_EVEN))
    if abs(scaled) >= LIMIT_MICROS:
        raise ValueError(f"got price {value}, want less than {LIMIT_MICROS // 10**places}")
    return scaled


def _text(scaled: int, places: int) -> str:
    whole, fraction = divmod(abs(scaled), 10**places)
    shown = f"{fraction:0{places}d}".rstrip("0").ljust(_PLACES_MIN, "0")
    return f"{'-' if scaled < 0 else ''}{whole}.{shown}"


def _is_decimal(digits: str) -> bool:
    return digits.isascii() and digits.isdigit()


def _shortest(value: float) -> str:
    """Return the shortest decimal that names `value` at the precision it was made with."""
    packed = _packed(value)
    if packed is None or _widened(value) != value:
        return repr(value)
    for digits in range(_FLOAT32_DIGITS, _FLOAT32_DIGITS_MAX):
        text = f"{value:.{digits}g}"
        if _packed(float(text)) == packed:
            return text
    return f"{value:.{_FLOAT32_DIGITS_MAX}g}"


def _widened(value: float) -> float:
    """Return the float32 nearest to `value`, which is in its range."""
    widened: float = _float32.unpack(_float32.pack(value))[0]
    return widened


def _packed(value: float) -> bytes | None:
    try:
        return _float32.pack(value)
    except OverflowError:
        return None
