"""What the ledger holds of one series before an answer is judged."""

from datetime import date

import msgspec

from ledger.values import Action, Bar, Basis


class Held(msgspec.Struct, frozen=True):
    """A ticker's sessions and corporate actions from one provider, as accepted up to now.

    Splits missing from `actions` look new, and cost a fetch of the whole range. `basis` is that of the newest
    decision, None where there is none.
    """

    bars: dict[date, Bar]
    actions: tuple[Action, ...] = ()
    basis: Basis | None = None
