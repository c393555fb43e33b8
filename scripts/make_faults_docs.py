"""Run the quiet year and the injected faults in full, then write their tables into docs/validation.md.

`python scripts/make_faults_docs.py`; about 20 seconds. Nothing is written unless both come out as the tables say.
"""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
if str(REPOSITORY) not in sys.path:
    sys.path.insert(0, str(REPOSITORY))

from scripts.generated import renewed  # noqa: E402 - the repository is on the path only now
from tests.ledger.ingest.rules.injected import FAULTS, TICKERS, WALKS, disturbed, missed  # noqa: E402 - the same
from tests.ledger.ingest.rules.walks import SCALES, YEAR, walk  # noqa: E402 - the same

PAGE = REPOSITORY / "docs" / "validation.md"


def page(current: str) -> str:
    """Return the page `current` with its tables made anew."""
    return renewed(current, "faults", tables())


def tables() -> str:
    """Return both tables as Markdown, as a full run that finds what it is to find confirms them."""
    faults = "".join(f"| {fault.text} | {fault.summary()} | {WALKS} of {WALKS} |\n" for fault in FAULTS)
    years = "".join(_line(number) for number in range(len(SCALES)))
    return (
        "| begins at | tickers | sessions | dividends | splits | rejected | flagged | warned of |\n"
        f"|---|---|---|---|---|---|---|---|\n{years}\n"
        f"| what is put in | what is found, and nothing else | walks |\n|---|---|---|\n{faults}"
    )


def _line(scale: int) -> str:
    walks = [walk(seed, actions=True) for seed in range(scale, TICKERS, len(SCALES))]
    dividends = sum(one.payments for one in walks)
    splits = sum(len(one.offers) for one in walks) - dividends
    return (
        f"| R$ {SCALES[scale]:.2f} | {len(walks)} | {len(walks) * len(YEAR)} | {dividends} | {splits} | 0 | 0 | 0 |\n"
    )


if __name__ == "__main__":
    wrong = [f"quiet year: {disturbed(range(TICKERS))}"] if disturbed(range(TICKERS)) else []
    wrong += [f"{fault.text}: {off}" for fault in FAULTS if (off := missed(fault, range(WALKS)))]
    if wrong:
        sys.exit("\n".join(wrong))
    PAGE.write_text(page(PAGE.read_text("utf-8")), encoding="utf-8")
