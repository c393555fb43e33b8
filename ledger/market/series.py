"""What a series is: one ticker as one provider reports it. Pure."""

import msgspec


class Series(msgspec.Struct, frozen=True, order=True):
    """A ticker as one provider reports it; prices of two providers are two series."""

    ticker: str
    provider: str
