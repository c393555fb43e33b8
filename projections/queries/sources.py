"""Which provider is read for a ticker: a policy, since prices of two providers never blur into one series. Pure."""

from collections.abc import Collection, Sequence

from ledger.ingest.providers import registry


def pick(providers: Collection[str], order: Sequence[str]) -> str:
    """Return the first provider in `order` that is among `providers`; the sample and then the others come after those.

    Raises: ValueError when there is none.
    """
    if not providers:
        message = "got no provider, want at least one"
        raise ValueError(message)
    for provider in order:
        if provider in providers:
            return provider
    # Alone in a ledger of its own, so it can follow any order.
    others = (*registry.live_names("sample"), *sorted(providers))
    return next(provider for provider in others if provider in providers)
