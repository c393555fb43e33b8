"""A ticker's actions out of supplement and history: every payment once, every event of one ISIN, nothing guessed."""

import json
from datetime import date
from typing import Any

import pytest

from ledger.ingest.providers.b3 import joined
from ledger.ingest.providers.b3.joined import CompanyAnswer, WantedShare
from ledger.ingest.rules import actions
from ledger.market.price import AMOUNTS_PER_REAL
from ledger.values import Action
from tests.support.b3_server import cash, company, page, past, right, stock

PN, ON = "BRPETRACNPR6", "BRPETRACNOR9"
MGLU = "BRMGLUACNOR2"


def recorded(answer: list[dict[str, Any]], *pages: dict[str, Any], ticker: str = "PETR4.SA", isin: str = PN) -> bytes:
    """Return the body that is recorded of these answers."""
    share = joined.share_of(ticker) or ""
    told = [CompanyAnswer(method="GetListedSupplementCompany", params={}, text=json.dumps(answer))]
    told += [CompanyAnswer(method="GetListedCashDividends", params={}, text=json.dumps(one)) for one in pages]
    return joined.body(WantedShare(ticker=ticker, share=share, isins=(isin,), isins_by="cotahist"), told)


def read(body: bytes) -> list[Action]:
    """Return the actions of a body, by ex date."""
    return sorted((actions.canonical(one) for one in joined.reading(body).offers), key=lambda one: one.ex_date)


def paid(found: list[Action]) -> list[str]:
    """Return amounts as decimals."""
    return [f"{(one.amount or 0) / AMOUNTS_PER_REAL:.12g}" for one in found]


def test_the_right_is_gone_on_the_next_session() -> None:
    """ITUB4 com 22/01/2021, a Friday before a holiday of the city: ex on the 26th."""
    body = recorded(
        company("ITUB", "ITAUUNIBANCO", cashDividends=[cash("22/01/2021", "DIVIDENDO", "0,01500000000", PN)])
    )
    (found,) = read(body)
    assert (date(2021, 1, 26), date(2021, 1, 22), PN, "DIVIDENDO") == (
        found.ex_date, found.com_date, found.isin, found.label,
    )  # fmt: skip


def test_what_both_lists_have_counts_once_and_what_one_lacks_comes_from_the_other() -> None:
    """The history lags by weeks and has no day of payment; the supplement forgets after a year."""
    new = cash("21/08/2026", "JRS CAP PROPRIO", "0,20250435000", PN, "20/11/2026")
    both = cash("11/12/2024", "DIVIDENDO", "1,55174293000", PN, "20/02/2025")
    history = [past("11/12/2024", "PN", "DIVIDENDO", "1,55174293"), past("21/03/1996", "PN", "DIVIDENDO", "5,1471")]
    found = read(recorded(company("PETR", "PETROBRAS", cashDividends=[new, both]), page(history)))
    assert ["5.1471", "1.55174293", "0.20250435"] == paid(found)
    assert [None, date(2025, 2, 20), date(2026, 11, 20)] == [one.pay_date for one in found]
    assert ["dividend", "dividend", "interest_on_capital"] == [one.kind for one in found]


def test_equal_rows_are_instalments_in_either_list() -> None:
    """WEGE3 paid 0.412831673 three times for one day, told apart by the day of payment alone."""
    rate, com = "0,41283167300", "29/12/2025"
    told = [cash(com, "DIVIDENDO", rate, "BRWEGEACNOR0", day) for day in ("20/03/2026", "20/06/2026", "20/09/2026")]
    history = [past(com, "ON", "DIVIDENDO", "0,412831673")] * 3
    answer, isin = company("WEGE", "WEG", cashDividends=told), "BRWEGEACNOR0"
    by_both = read(recorded(answer, page(history), ticker="WEGE3.SA", isin=isin))
    by_history = read(recorded(company("WEGE", "WEG"), page(history), ticker="WEGE3.SA", isin=isin))
    assert 3 == len(by_both) == len(by_history)
    assert 3 == len({one.pay_date for one in by_both})
    assert ["0.412831673"] * 3 == paid(by_history)


def test_what_is_quoted_per_thousand_is_brought_to_one_share() -> None:
    """PETR PN of 21/03/1996: 5.1471 for a thousand."""
    (found,) = read(
        recorded(company("PETR", "PETROBRAS"), page([past("21/03/1996", "PN", "DIVIDENDO", "5,1471", quoted="1000")]))
    )
    assert 5_147_100_000 == found.amount


@pytest.mark.parametrize("told", [{"quotedPerShares": None}, {"quotedPerShares": ""}, {"ratio": None}])
def test_either_field_says_for_how_many_shares_a_row_is(told: dict[str, str | None]) -> None:
    """Where one of them is empty; where both are it is for one share."""
    row = past("21/03/1996", "PN", "DIVIDENDO", "5,1471", quoted="1000") | told
    (found,) = read(recorded(company("PETR", "PETROBRAS"), page([row])))
    assert 5_147_100_000 == found.amount
    (found,) = read(recorded(company("PETR", "P"), page([row | {"quotedPerShares": None, "ratio": None}])))
    assert 5_147_100_000_000 == found.amount


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("DIVIDENDO", "dividend"),
        ("JRS CAP PROPRIO", "interest_on_capital"),
        ("RENDIMENTO", "income"),
        ("REST CAP DIN", "amortization"),
        ("AMORTIZACAO RF", "amortization"),
        ("JUROS RF", "income"),
        ("AT MONETARIA", "income"),
    ],
)
def test_cash_is_gross_whatever_it_is_called(label: str, kind: str) -> None:
    """Interest on capital too: what is withheld of it is the holder's affair. The label stays as published."""
    (found,) = read(
        recorded(company("PETR", "P", cashDividends=[cash("11/12/2024", label, "1,00000000000", PN, "31/12/9999")]))
    )
    assert (kind, label, AMOUNTS_PER_REAL, None) == (found.kind, found.label, found.amount, found.pay_date)


def test_a_unit_is_paid_per_unit_to_the_eleventh_place() -> None:
    """KLBN11: about five times what a share has, in more places than a millionth of a real."""
    unit = "BRKLBNCDAM18"
    told = company("KLBN", "KLABIN S/A", cashDividends=[cash("20/02/2025", "DIVIDENDO", "0,22798586124", unit)])
    (found,) = read(recorded(told, ticker="KLBN11.SA", isin=unit))
    assert 227_985_861_240 == found.amount


def test_a_class_of_share_has_its_own_payments() -> None:
    """By ISIN in the supplement, by class in the history."""
    told = [cash("11/12/2024", "DIVIDENDO", "9,9", ON), cash("11/12/2024", "DIVIDENDO", "1,5", PN)]
    history = [past("30/04/2024", "ON", "DIVIDENDO", "8,8"), past("30/04/2024", "PN", "DIVIDENDO", "1,1")]
    assert ["1.1", "1.5"] == paid(read(recorded(company("PETR", "P", cashDividends=told), page(history))))


def test_an_event_filed_under_three_isins_is_read_once() -> None:
    """BBAS3 of 15/04/2024: two for one, and not eight."""
    isins = ("BRBBASA04OR8", "BRBBASA05OR5", "BRBBASACNOR3")
    answer = company(
        "BBAS", "BRASIL", stockDividends=[stock("15/04/2024", "DESDOBRAMENTO", "100,00000000000", one) for one in isins]
    )
    (found,) = read(recorded(answer, ticker="BBAS3.SA", isin="BRBBASACNOR3"))
    assert (date(2024, 4, 16), "split", 2, 1) == (found.ex_date, found.kind, found.numerator, found.denominator)


@pytest.mark.parametrize(
    ("label", "factor", "kind", "ratio"),
    [
        ("DESDOBRAMENTO", "300,00000000000", "split", (4, 1)),
        ("DESDOBRAMENTO", "7.900,00000000000", "split", (80, 1)),
        ("BONIFICACAO", "5,00000000000", "bonus", (21, 20)),
        ("GRUPAMENTO", "0,10000000000", "grouping", (1, 10)),
        ("GRUPAMENTO", "0,06666666667", "grouping", (6_666_666_667, 100_000_000_000)),
    ],
)
def test_a_factor_is_a_percentage_but_for_a_grouping(
    label: str, factor: str, kind: str, ratio: tuple[int, int]
) -> None:
    """One field, two readings, and the label alone says which."""
    (found,) = read(
        recorded(
            company("MGLU", "M", stockDividends=[stock("13/10/2020", label, factor, MGLU)]),
            ticker="MGLU3.SA",
            isin=MGLU,
        )
    )
    assert (kind, ratio, label) == (found.kind, (found.numerator, found.denominator), found.label)


@pytest.mark.parametrize("label", ["CIS RED CAP", "INCORPORACAO", "RESG TOTAL RV", "REST CAP ACOES", "ALGO NOVO"])
def test_paper_delivered_or_redeemed_has_no_size(label: str) -> None:
    """ITUB4 of 01/10/2021 has the factor 100 and fell by 18 %: it is no split of two for one."""
    (found,) = read(recorded(company("PETR", "P", stockDividends=[stock("01/10/2021", label, "100,00000000000", PN)])))
    assert (True, None, None, label) == (
        found.kind in {"spin_off", "redemption"},
        found.amount,
        found.numerator,
        found.label,
    )


def test_a_bonus_in_other_paper_is_no_bonus() -> None:
    """Its size is what that paper is worth."""
    (found,) = read(recorded(company("PETR", "P", stockDividends=[stock("01/10/2021", "BONIFICACAO", "10,0", PN, ON)])))
    assert ("spin_off", None) == (found.kind, found.numerator)


def test_what_is_paid_on_rights_and_receipts_of_a_class_is_not_paid_on_its_shares() -> None:
    """They have ISINs of their own beside the share's; another series of the share repeats what the first one has."""
    com, rate = "11/12/2024", "1,50000000000"
    told = [cash(com, "DIVIDENDO", rate, one) for one in (PN, "BRPETRR01PR2", "BRPETRD03PR7", "BRPETRN01PR0")]
    found = joined.feed.supplement(json.dumps(company("PETR", "PETROBRAS", cashDividends=told)))
    assert found is not None
    assert (PN,) == joined.isins_of(found, "PN")
    repeated = [cash(com, "DIVIDENDO", rate, one) for one in ("BRBBASA04OR8", "BRBBASACNOR3", "BRBBASACNOR3")]
    wanted = WantedShare(ticker="BBAS3.SA", share="ON", isins=("BRBBASACNOR3", "BRBBASA04OR8"), isins_by="b3")
    answer = CompanyAnswer(
        method="GetListedSupplementCompany", params={}, text=json.dumps(company("BBAS", "B", cashDividends=repeated))
    )
    assert ["1.5", "1.5"] == paid(read(joined.body(wanted, [answer])))


@pytest.mark.parametrize(
    ("label", "factor", "kind", "ratio"),
    [("DESDOBRAMENTO", "900,00000000000", "split", (10, 1)), ("GRUPAMENTO", "0,10000000000", "grouping", (1, 10))],
)
def test_a_funds_factor_is_read_as_a_shares(label: str, factor: str, kind: str, ratio: tuple[int, int]) -> None:
    """Its income and what it gives back of its capital are cash; no key has to be there."""
    quota, com = "BRHGLGCTF004", "31/01/2025"
    told = {
        "cashDividends": [
            cash(com, "RENDIMENTO", "1,10000000000", quota, "14/02/2025"),
            cash(com, "AMORTIZACAO RF", "0,25000000000", quota, "14/02/2025"),
            cash(com, "RENDIMENTO", "0,90000000000", "BRHGLGR14M19", "14/02/2025"),
        ],
        "stockDividends": [stock(com, label, factor, quota)],
    }
    found = joined.feed.supplement(json.dumps(told))
    assert found is not None
    assert (("HGLG11.SA", "CI"),) == joined.shares_of(found)
    wanted = WantedShare(ticker="HGLG11.SA", share="CI", isins=joined.isins_of(found, "CI"), isins_by="b3")
    answer = CompanyAnswer(method="GetEventsCorporateActions", params={}, text=json.dumps(told))
    paying, back, parting = sorted(
        read(joined.body(wanted, [answer])), key=lambda one: (one.amount is None, one.kind != "income")
    )
    assert ("income", 11 * 10**11, "amortization", 25 * 10**10) == (paying.kind, paying.amount, back.kind, back.amount)
    assert (kind, ratio) == (parting.kind, (parting.numerator, parting.denominator))


@pytest.mark.parametrize("label", ["SUBSCRICAO", "PRIORIDADE SUBS", "SUBS C/ RENUNC"])
def test_a_right_is_one_by_any_label(label: str) -> None:
    """And one whose price nobody set has none, not one of nothing."""
    told = [right("31/01/2024", "10,0", price, MGLU) | {"label": label} for price in ("1,95", "", "0,00")]
    found = read(recorded(company("MGLU", "M", subscriptions=told), ticker="MGLU3.SA", isin=MGLU))
    assert {("subscription", label, 1, 10)} == {(one.kind, one.label, one.numerator, one.denominator) for one in found}
    assert [1_950_000_000_000, None, None] == sorted((one.strike for one in found), key=lambda one: one is None)


def test_a_subscription_has_its_percentage_and_price() -> None:
    """MGLU3 of 31/01/2024: 9.5790177529 % at 1.95."""
    (found,) = read(
        recorded(
            company("MGLU", "M", subscriptions=[right("31/01/2024", "9,57901775290", "1,95000000000", MGLU)]),
            ticker="MGLU3.SA",
            isin=MGLU,
        )
    )
    assert ("subscription", 95_790_177_529, 10**12, 1_950_000_000_000) == (
        found.kind, found.numerator, found.denominator, found.strike,
    )  # fmt: skip


def test_what_cannot_be_read_is_an_offer_at_fault_and_costs_no_other() -> None:
    """A label that nobody knows, a day that stands for none, a number with a dot in the wrong place."""
    told = [
        cash("11/12/2024", "PREMIO", "1,0", PN),
        cash("31/12/9999", "DIVIDENDO", "1,0", PN),
        cash("11/12/2024", "DIVIDENDO", "1.0", PN),
        cash("11/12/2024", "DIVIDENDO", "1,5", PN),
    ]
    offers = joined.reading(recorded(company("PETR", "P", cashDividends=told))).offers
    assert 3 == sum(one.fault is not None for one in offers)
    assert ["1.5"] == paid([one.exact for one in offers if one.exact])


def test_a_body_is_complete_with_its_whole_history() -> None:
    """Then what it lacks and is held is flagged."""
    rows = [past("30/04/2024", "PN", "DIVIDENDO", "1,1")] * 150
    answer = company("PETR", "P")
    assert joined.reading(recorded(answer, page(rows), page(rows, 2))).all_actions_of is not None
    assert joined.reading(recorded(answer, page(rows))).all_actions_of is None
    assert joined.reading(recorded(answer)).all_actions_of is None


@pytest.mark.parametrize(
    ("ticker", "share"),
    [
        ("PETR3.SA", "ON"),
        ("PETR4.SA", "PN"),
        ("ELET6.SA", "PNB"),
        ("KLBN11.SA", "UNT"),
        ("KNRI11.SA", "UNT"),
        ("AAPL34.SA", "BDR"),
        ("BOVB39.SA", "BDR"),
        ("PETR1.SA", None),
        ("HGLG12.SA", None),
        ("^BVSP", None),
    ],
)
def test_a_code_names_its_class(ticker: str, share: str | None) -> None:
    """By its number."""
    assert share == joined.share_of(ticker)


def test_the_company_names_its_isins_the_ordinary_series_first() -> None:
    """Units have a type of their own."""
    rows = [
        stock("15/04/2024", "DESDOBRAMENTO", "100,0", one) for one in ("BRBBASA04OR8", "BRBBASACNOR3", "BRKLBNCDAM18")
    ]
    found = joined.feed.supplement(json.dumps(company("BBAS", "B", stockDividends=rows)))
    assert found is not None
    assert ("BRBBASACNOR3", "BRBBASA04OR8") == joined.isins_of(found, "ON")
    assert (("BBAS3.SA", "ON"), ("BBAS11.SA", "UNT")) == joined.shares_of(found)
