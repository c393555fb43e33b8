"""Actions that the exchange listed, from files in its own shapes to adjusted prices: closes, list and history of cash.

A year's file of prices has each paper's last session with the right and its first without it, one change of rights
further (DISMES). Closes of days of which only the action is known are invented.
Source: B3, files of prices, list of corporate actions, index manual; its notice of theoretical prices of 27/09/2024.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ledger.market.sessions import shift
from projections import Ledger, disputed_actions, open_ledger
from tests.support.b3_server import cash, company, page, past, right, stock
from tests.support.cli import run_main
from tests.support.cotahist import line, made

NOW = {"B3_LEDGER_NOW": "2026-09-01T12:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}
SHARES = {"3": ("ON", "ACNOR"), "4": ("PN", "ACNPR")}

# Code, last day with the right, close then and after it, and the rows of the list: kind, then factor or value(s).
ACTIONS: tuple[tuple[str, date, str, str, tuple[tuple[str, str], ...]], ...] = (
    ("BBAS3", date(2024, 4, 15), "56.46", "27.91", (("DESDOBRAMENTO", "100,00000000000"),)),
    ("MGLU3", date(2017, 9, 4), "100.00", "12.50", (("DESDOBRAMENTO", "700,00000000000"),)),
    ("MGLU3", date(2019, 8, 5), "300.00", "37.50", (("DESDOBRAMENTO", "700,00000000000"),)),
    ("MGLU3", date(2020, 10, 13), "104.00", "25.59", (("DESDOBRAMENTO", "300,00000000000"),)),
    ("MGLU3", date(2024, 1, 31), "2.00", "2.00", (("SUBSCRICAO", "9,57901775290@1,95000000000"),)),
    ("MGLU3", date(2024, 5, 24), "1.32", "13.15", (("GRUPAMENTO", "0,10000000000"),)),
    ("MGLU3", date(2025, 12, 29), "9.35", "8.94", (("BONIFICACAO", "5,00000000000"),)),
    ("ABEV3", date(2021, 1, 13), "16.17", "16.26", (("DIVIDENDO", "0,0767"),)),
    ("ABEV3", date(2021, 12, 17), "16.07", "15.47", (("DIVIDENDO", "0,1334"), ("JRS CAP PROPRIO", "0,4702"))),
    ("PETR4", date(1996, 3, 21), "114.99", "110.00", (("DIVIDENDO", "5,1471/1000"),)),
    ("PETR4", date(2024, 12, 11), "40.59", "38.34", (("DIVIDENDO", "1,55174293"),)),
    (
        *("PETR4", date(2024, 12, 23), "36.86", "35.77"),
        (("DIVIDENDO", "0,65356508"), ("JRS CAP PROPRIO", "0,66410331"), ("RENDIMENTO", "0,01053822")),
    ),
    ("PETR3", date(2022, 11, 21), "30.28", "27.52", (("DIVIDENDO", "1,155823"), ("DIVIDENDO", "1,600192"))),
    (
        *("PETR3", date(2026, 8, 21), "49.34", "46.94"),
        (("JRS CAP PROPRIO", "0,47156696"), ("JRS CAP PROPRIO", "0,67407131"), ("DIVIDENDO", "0,20250435")),
    ),
    (
        "VIVT3",
        date(2025, 4, 14),
        "52.00",
        "26.00",
        (("GRUPAMENTO", "0,02500000000"), ("DESDOBRAMENTO", "7.900,00000000000")),
    ),
    (
        "TIMS3",
        date(2025, 7, 2),
        "21.00",
        "21.00",
        (("GRUPAMENTO", "0,01000000000"), ("DESDOBRAMENTO", "9.900,00000000000")),
    ),
    (
        *("SBSP3", date(2024, 1, 3), "70.00", "13.57"),
        (("BONIFICACAO", "2,96469750000"), ("BONIFICACAO", "0,16098032200"), ("DESDOBRAMENTO", "400,00000000000")),
    ),
    ("ITUB4", date(2025, 12, 23), "40.00", "38.83", (("BONIFICACAO", "3,00000000000"),)),
    ("ITSA4", date(2022, 11, 10), "9.90", "9.00", (("BONIFICACAO", "10,00000000000"),)),
    ("ITSA4", date(2025, 12, 18), "11.22", "11.00", (("BONIFICACAO", "2,00000000000"),)),
    ("EGIE3", date(2025, 11, 26), "42.00", "30.00", (("BONIFICACAO", "40,00000000000"),)),
    ("CMIG4", date(2024, 4, 29), "13.00", "10.00", (("BONIFICACAO", "30,00000000000"),)),
    ("GGBR4", date(2024, 4, 17), "24.00", "20.00", (("BONIFICACAO", "20,00000000000"),)),
    ("LREN3", date(2024, 12, 11), "16.50", "15.00", (("BONIFICACAO", "10,00000000000"),)),
    ("HAPV3", date(2025, 6, 5), "2.60", "39.00", (("GRUPAMENTO", "0,06666666667"),)),
    # The notice has the theoretical price alone: close and payment are two that lead to it.
    ("RDOR3", date(2024, 9, 27), "31.60", "31.40", (("JRS CAP PROPRIO", "0,1726891"),)),
    ("GMAT3", date(2024, 9, 27), "7.43", "7.40", (("JRS CAP PROPRIO", "0,0586306"),)),
)

FACTORS = (
    ("BBAS3", date(2024, 4, 15), "0.5"),
    ("MGLU3", date(2017, 9, 4), "0.125"),
    ("MGLU3", date(2019, 8, 5), "0.125"),
    ("MGLU3", date(2020, 10, 13), "0.25"),
    ("MGLU3", date(2024, 5, 24), "10"),
    ("ABEV3", date(2021, 1, 13), ".9952566"),
    ("ABEV3", date(2021, 12, 17), ".96243933"),  # the sum of the day, not the product of its parts
    ("PETR4", date(2024, 12, 11), ".96177031"),
    ("PETR4", date(2024, 12, 23), ".96396618"),
    ("PETR3", date(2022, 11, 21), ".90898233"),
    ("VIVT3", date(2025, 4, 14), "0.5"),
    ("TIMS3", date(2025, 7, 2), "1.0"),
    ("ITUB4", date(2025, 12, 23), ".97087379"),
    ("ITSA4", date(2022, 11, 10), ".90909091"),
    ("ITSA4", date(2025, 12, 18), ".98039216"),
    ("EGIE3", date(2025, 11, 26), ".71428571"),
    ("CMIG4", date(2024, 4, 29), ".76923077"),
    ("GGBR4", date(2024, 4, 17), ".83333333"),
    ("LREN3", date(2024, 12, 11), ".90909091"),
    ("HAPV3", date(2025, 6, 5), "14.99999999925"),
)
THEORETICAL = (
    ("BBAS3", date(2024, 4, 15), "28.23"),
    ("MGLU3", date(2020, 10, 13), "26.00"),
    ("MGLU3", date(2024, 1, 31), "1.99562917"),
    ("MGLU3", date(2024, 5, 24), "13.20"),
    ("MGLU3", date(2025, 12, 29), "8.904762"),
    ("RDOR3", date(2024, 9, 27), "31.4273109"),
    ("GMAT3", date(2024, 9, 27), "7.3713694"),
)
RETURNS = (
    ("BBAS3", date(2024, 4, 15), "-1.13355"),
    ("MGLU3", date(2020, 10, 13), "-1.57692"),
    ("MGLU3", date(2024, 5, 24), "-0.37879"),
    ("MGLU3", date(2025, 12, 29), "0.39572"),
    ("ABEV3", date(2021, 1, 13), "1.0358"),
    ("PETR4", date(2024, 12, 11), "-1.78865"),
    ("PETR4", date(2024, 12, 23), "0.67040"),
    ("PETR3", date(2026, 8, 21), "-2.19174"),
)


def isin(code: str) -> str:
    """Return the ISIN of a share, its last digit invented."""
    return f"BR{code[:4]}{SHARES[code[4]][1]}0"


def quotes() -> Iterator[tuple[int, bytes]]:
    """Yield a line for each session, with its year; rights change by one at each first session without one."""
    changes: dict[str, int] = defaultdict(lambda: 100)
    for code, com, before, after, rows in sorted(ACTIONS, key=lambda one: (one[0], one[1])):
        factor = 1000 if any("/1000" in value for _, value in rows) else 1
        for day, close in ((com, before), (shift(com, 1), after)):
            changes[code] += day != com
            centavos = int(Decimal(close) * 100)
            yield day.year, line(day, code, centavos, factor=factor, isin=isin(code), distribution=changes[code])


def listed(root: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return a company's supplement and its history of cash; splits are repeated for an older ISIN of the class."""
    stocks, paid, rights, history = [], [], [], []
    for code, com, close, _, rows in ACTIONS:
        if code[:4] != root:
            continue
        written = f"{com:%d/%m/%Y}"
        for label, value in rows:
            if label in {"DESDOBRAMENTO", "GRUPAMENTO", "BONIFICACAO"}:
                older = f"BR{root}A04{SHARES[code[4]][1][3:]}0"
                stocks += [stock(written, label, value, one) for one in (older, isin(code))]
            elif label == "SUBSCRICAO":
                rights.append(right(written, *value.split("@"), isin(code)))
            elif com.year == 2026:
                paid.append(cash(written, label, value, isin(code), "20/11/2026"))
            else:
                amount, _, quoted = value.partition("/")
                share, shown = SHARES[code[4]][0], close.replace(".", ",")
                history.append(past(written, share, label, amount, quoted=quoted or "1", close=shown))
    supplement = company(root, root, stockDividends=stocks, cashDividends=paid, subscriptions=rights)
    return supplement, page(history)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger of all of it, by the commands that import it."""
    folder = tmp_path_factory.mktemp("worked")
    by_year: dict[int, list[bytes]] = defaultdict(list)
    for year, text in quotes():
        by_year[year].append(text)
    prices, lists = [], []
    for year, lines in sorted(by_year.items()):
        prices.append(f"COTAHIST_A{year}.TXT")
        made(folder / prices[-1], lines, year=year, made_on=min(date(year, 12, 31), date(2026, 8, 31)))
    for root in sorted({one[0][:4] for one in ACTIONS}):
        lists += [f"{root}.json", f"{root}-caixa.json"]
        for name, told in zip(lists[-2:], listed(root), strict=True):
            (folder / name).write_text(json.dumps(json.dumps(told)), "utf-8")
    for words in (("import-cotahist", *prices), ("import-actions", *lists)):
        done = run_main(*words, cwd=folder, env=NOW)
        assert done.code in {0, 1}, done.err  # 1: what was split is flagged as a jump of the price
    with open_ledger(folder / "dados") as found:
        yield found


def step(ledger: Ledger, code: str, com: date) -> tuple[float, float, float]:
    """Return the close of the last day with the right, the factor of that step, and the next day's total return."""
    before, after = ledger.prices(code, start=com, end=shift(com, 1), adjusted=True).rows()
    assert before.factor is not None
    assert after.factor is not None
    assert before.adj_close is not None
    assert after.adj_close is not None
    return float(before.close), before.factor / after.factor, after.adj_close / before.adj_close - 1


def places(text: str) -> int:
    """Return how many digits stand behind the point."""
    return len(text.partition(".")[2])


@pytest.mark.parametrize(("code", "com", "factor"), FACTORS)
def test_factors_are_the_exchanges(ledger: Ledger, code: str, com: date, factor: str) -> None:
    """To the digit given."""
    assert float(factor) == round(step(ledger, code, com)[1], places(factor))


@pytest.mark.parametrize(("code", "com", "price"), THEORETICAL)
def test_theoretical_prices_are_the_exchanges(ledger: Ledger, code: str, com: date, price: str) -> None:
    """The close with the right, times the factor."""
    close, factor, _ = step(ledger, code, com)
    assert float(price) == round(close * factor, places(price))


@pytest.mark.parametrize(("code", "com", "percent"), RETURNS)
def test_total_returns_of_ex_days_are_the_exchanges(ledger: Ledger, code: str, com: date, percent: str) -> None:
    """The first close without the right over the theoretical price."""
    assert float(percent) == round(step(ledger, code, com)[2] * 100, places(percent))


def test_what_is_quoted_per_thousand_is_its_share_of_the_price(ledger: Ledger) -> None:
    """PETR4 of 1996: 4.476128 % of the close, both of a thousand shares."""
    close, factor, _ = step(ledger, "PETR4", date(1996, 3, 21))
    assert (0.11499, 4.476128) == (close, round((1 - factor) * 100, 6))


def test_three_events_of_one_day_make_the_count_of_shares(ledger: Ledger) -> None:
    """SBSP3: 683,509,869 shares became 3,524,534,028, to a hundred-millionth."""
    _, factor, _ = step(ledger, "SBSP3", date(2024, 1, 3))
    assert 5.15652252 == round(1 / factor, 8)
    assert abs(1 / factor * 683_509_869 / 3_524_534_028 - 1) < 1e-8


def test_nothing_of_it_is_in_doubt(ledger: Ledger) -> None:
    """Every change of rights is named, every close of the history is the exchange's own."""
    assert () == disputed_actions(ledger)
