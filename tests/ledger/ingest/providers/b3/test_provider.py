"""The exchange's list as it answers: one test per habit that costs whoever does not know it."""

import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ledger.ingest.providers import registry
from ledger.ingest.providers.b3 import joined
from ledger.ingest.providers.b3.provider import B3Provider, Call
from ledger.ingest.providers.evidence import body
from ledger.ingest.providers.port import Access, Fetched, ProviderError
from ledger.ingest.rules import actions
from ledger.values import Request, Window
from tests.support.b3_server import B3Server, cash, company, fund, past, stock

PN = "BRPETRACNPR6"
KLABIN = "BRKLBNCDAM18"
NOW_US = round(datetime(2026, 8, 24, 22, tzinfo=UTC).timestamp()) * 1_000_000
WINDOW = Window(date(2026, 8, 1), date(2026, 8, 24))


@pytest.fixture
def server() -> Iterator[B3Server]:
    """Give the exchange on loopback, with one company that has paid."""
    with B3Server() as found:
        found.companies["PETR"] = company(
            "PETR", "PETROBRAS", stockDividends=[stock("25/04/2008", "DESDOBRAMENTO", "100,0", PN)]
        )
        found.history("PETROBRAS", [past("11/12/2024", "PN", "DIVIDENDO", "1,55174293")])
        yield found


def provider(server: B3Server, *, answer_max_bytes: int = 1_000_000) -> B3Provider:
    """Return the provider, opened as the product does."""
    access = Access(
        cache_dir=Path("nowhere"), now=lambda: NOW_US, base_url=server.url, answer_max_bytes=answer_max_bytes
    )
    found = registry.opened("b3", access)
    assert isinstance(found, B3Provider)
    return found


def fetched(server: B3Server, ticker: str = "PETR4.SA") -> Fetched:
    """Return the answer on a ticker."""
    return provider(server).fetch(ticker, WINDOW, timeout_s=10)


def refused(server: B3Server, ticker: str = "PETR4.SA", *, answer_max_bytes: int = 1_000_000) -> ProviderError:
    """Return the error that asking for a ticker ends with."""
    with pytest.raises(ProviderError) as caught:
        provider(server, answer_max_bytes=answer_max_bytes).fetch(ticker, WINDOW, timeout_s=10)
    return caught.value


def days(found: Fetched) -> list[date]:
    """Return the ex dates in an answer."""
    offers = joined.reading(body(found.answer)).offers
    return sorted(actions.canonical(offer).ex_date for offer in offers)


def test_an_answer_holds_both_lists_and_the_days_that_they_are_of(server: B3Server) -> None:
    """Whatever was asked for: the list has no bounds, and its answer is read again by what is recorded alone."""
    found = fetched(server)
    assert [date(2008, 4, 28), date(2024, 12, 12)] == days(found)
    assert (Window(date(2008, 4, 28), date(2026, 8, 24)), ()) == (found.request.window, found.bars)
    wanted, told = joined.answers(body(found.answer))
    assert ("PN", (PN,), "b3") == (wanted.share, wanted.isins, wanted.isins_by)
    assert ["GetListedSupplementCompany", "GetInitialCompanies", "GetListedCashDividends"] == [
        one.method for one in told
    ]
    assert "DESDOBRAMENTO" in told[0].text


def test_a_long_history_is_asked_for_page_by_page(server: B3Server) -> None:
    """A page of 200 or more would come empty with no counts: nothing paid, as it seems."""
    server.history("PETROBRAS", [past("11/12/2024", "PN", "DIVIDENDO", "1,5")] * 250)
    assert 251 == len(days(fetched(server)))
    pages = [params for method, params in server.asked if method == "GetListedCashDividends"]
    assert [(1, 100), (2, 100), (3, 100)] == [(one["pageNumber"], one["pageSize"]) for one in pages]


def test_a_history_without_counts_is_no_history(server: B3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused, and never taken for a company that paid nothing."""
    monkeypatch.setattr("ledger.ingest.providers.b3.provider.PAGE_SIZE", 200)
    error = refused(server)
    assert ("bad-answer", "got no count of the history of PETROBRAS, want one") == (error.kind, error.message)


def test_a_history_that_falls_short_is_refused(server: B3Server) -> None:
    """Rows have to be as many as are counted."""
    text = b'{"page":{"pageNumber":1,"totalRecords":3,"totalPages":1},"results":[]}'
    supplement = server.answer("GetListedSupplementCompany", {"issuingCompany": "PETR"})
    server.faults = [supplement, (200, b'{"page":{"totalRecords":0}}'), (200, text)]
    assert "got 0 rows of the history of PETROBRAS, want 3" == refused(server).message


def test_a_name_is_asked_for_without_its_slash_and_whole(server: B3Server) -> None:
    """KLABIN S/A has no rows under its name, and under the first half of it those of a dead company."""
    server.companies["KLBN"] = company(
        "KLBN", "KLABIN S/A", cashDividends=[cash("20/02/2025", "DIVIDENDO", "0,22798586124", KLABIN)]
    )
    server.history("KLABIN S/A", [past("20/02/2024", "UNT", "DIVIDENDO", "0,1")])
    server.history("KLABIN", [past("20/02/1994", "PN", "DIVIDENDO", "9,9")])
    assert [date(2024, 2, 21), date(2025, 2, 21)] == days(fetched(server, "KLBN11.SA"))
    assert "KLABIN SA" == server.asked[-1][1]["tradingName"]


def test_an_empty_body_is_an_unknown_code_where_the_canary_answers(server: B3Server) -> None:
    """It is final: nobody asks again."""
    error = refused(server, "ELET3.SA")
    assert ("not-found", "got nothing about ELET where PETR is known, want a listed code") == (
        error.kind,
        error.message,
    )
    assert ["ELET", "PETR"] == [params["issuingCompany"] for _, params in server.asked]


def test_an_empty_body_is_a_fault_where_the_canary_is_silent_too(server: B3Server) -> None:
    """A question that the exchange does not like looks the same as a code that it does not know."""
    server.is_mute = True
    error = refused(server, "ELET3.SA")
    assert ("bad-answer", "got nothing about ELET nor about PETR, want an answer") == (error.kind, error.message)


@pytest.mark.parametrize(
    ("status", "kind"), [(520, "bad-answer"), (429, "rate-limit"), (403, "rate-limit"), (500, "bad-answer")]
)
def test_another_status_is_a_failure_of_its_kind(server: B3Server, status: int, kind: str) -> None:
    """With the status on record."""
    server.faults = [(status, b"<html>")]
    error = refused(server)
    assert (kind, status) == (error.kind, error.status_code)


def test_another_body_is_refused_and_kept(server: B3Server) -> None:
    """What did come is evidence of the failure."""
    server.faults = [(200, b"<html>maintenance</html>")]
    error = refused(server)
    assert error.answer is not None
    assert ("bad-answer", True) == (error.kind, b"maintenance" in body(error.answer))


def test_answers_are_bounded_together(server: B3Server) -> None:
    """By what comes of all questions of a fetch, not of one alone."""
    server.history("PETROBRAS", [past("11/12/2024", "PN", "DIVIDENDO", "1,5")] * 250)
    error = refused(server, answer_max_bytes=60_000)
    assert ("bad-answer", True) == (error.kind, "want at most 60000" in error.message)


def test_nobody_at_the_other_end_is_a_failed_connection() -> None:
    """As of any provider."""
    with B3Server() as gone:
        pass
    assert "connection" == refused(gone).kind


def test_what_is_no_share_is_asked_of_nobody(server: B3Server) -> None:
    """Indices and receipts of foreign shares are not on this list."""
    assert ("not-found", []) == (refused(server, "^BVSP").kind, server.asked)


def test_a_fund_has_the_number_of_a_unit_and_a_list_of_its_own(server: B3Server) -> None:
    """Income and what it gave back of its capital, of its quotas alone; no history is asked for."""
    server.funds["HGLG"] = fund(
        cashDividends=[
            cash("31/01/2025", "RENDIMENTO", "1,1", "BRHGLGCTF004"),
            cash("31/01/2025", "AMORTIZACAO RF", "0,5", "BRHGLGCTF004"),
            cash("31/01/2025", "RENDIMENTO", "0,7", "BRHGLGR14M19"),
        ]
    )
    found = fetched(server, "HGLG11.SA")
    assert [date(2025, 2, 3)] * 2 == days(found)
    wanted, told = joined.answers(body(found.answer))
    assert ("CI", ("BRHGLGCTF004",)) == (wanted.share, wanted.isins)
    assert ["GetListedSupplementCompany", "GetEventsCorporateActions"] == [one.method for one in told]
    assert ("GetEventsCorporateActions", {"idCEM": "HGLG", "language": "pt-br"}) == server.asked[-1]


def test_a_company_without_units_may_share_its_code_with_a_fund(server: B3Server) -> None:
    """What has units is asked no further."""
    server.companies["BRCO"] = company(
        "BRCO", "BRASKEM CO", cashDividends=[cash("31/01/2025", "DIVIDENDO", "9,9", "BRBRCOACNOR0")]
    )
    server.funds["BRCO"] = fund(cashDividends=[cash("31/01/2025", "RENDIMENTO", "1,1", "BRBRCOCTF006")])
    (found,) = joined.reading(body(fetched(server, "BRCO11.SA").answer)).offers
    assert "income" == actions.canonical(found).kind


def test_a_bdr_has_a_supplement_of_its_own(server: B3Server) -> None:
    """Of whatever number."""
    server.bdrs["AAPL"] = company(
        "AAPL", "APPLE", cashDividends=[cash("12/02/2025", "DIVIDENDO", "0,03", "BRAAPLBDR004")]
    )
    assert [date(2025, 2, 13)] == days(fetched(server, "AAPL34.SA"))
    assert ["GetListedSupplementBDR"] == [method for method, _ in server.asked]


@pytest.mark.parametrize(
    ("ticker", "canaries"), [("ELET3.SA", "PETR"), ("ZZZZ11.SA", "PETR and KNRI"), ("ZZZZ34.SA", "AAPL")]
)
def test_an_unknown_code_is_held_against_a_canary_of_its_kind(server: B3Server, ticker: str, canaries: str) -> None:
    """A list of funds that is mute while that of companies speaks says nothing of a fund."""
    error = refused(server, ticker)
    assert ("not-found", True) == (error.kind, f"where {canaries} " in error.message)
    for known in (server.companies, server.bdrs, server.funds):
        known.pop(canaries.rpartition(" ")[2], None)
    assert "bad-answer" == refused(server, ticker).kind


def test_another_companys_supplement_under_a_code_used_again_is_refused(server: B3Server) -> None:
    """Codes return: JBSS was one company's, and is another's. Who has a part of it in its code does not matter."""
    server.listed = [{"issuingCompany": "PETR", "codeCVM": "99999"}, {"issuingCompany": "PETRX", "codeCVM": "9512"}]
    error = refused(server)
    assert ("bad-answer", "got the company 9512 under PETR, want 99999, whose code it is now") == (
        error.kind,
        error.message,
    )
    server.listed = [{"issuingCompany": "PETRX", "codeCVM": "99999"}]
    assert days(fetched(server))


def test_a_probe_asks_about_the_canary(server: B3Server) -> None:
    """And says what is wrong."""
    assert provider(server).probe(timeout_s=10).error_kind is None
    server.is_mute = True
    assert "bad-answer" == provider(server).probe(timeout_s=10).error_kind


def test_a_question_is_compact_json_in_base64_of_a_browser(server: B3Server) -> None:
    """Others get no answer, or another one."""
    fetched(server)
    expected = [
        b'{"issuingCompany":"PETR","language":"pt-br"}',
        b'{"language":"pt-br","pageNumber":1,"pageSize":100,"company":"PETR"}',
        b'{"language":"pt-br","pageNumber":1,"pageSize":100,"tradingName":"PETROBRAS"}',
    ]
    assert expected == [base64.b64decode(token) for token in server.tokens]
    assert all("Chrome/" in agent for agent in server.agents)


def test_who_does_not_answer_in_time_is_a_timeout(server: B3Server) -> None:
    """As of any provider."""
    server.released.clear()
    with pytest.raises(ProviderError) as caught:
        provider(server).fetch("PETR4.SA", WINDOW, timeout_s=0.2)
    assert "timeout" == caught.value.kind


def test_the_exchanges_own_host_is_left_alone_between_two_questions(
    server: B3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seconds apart, whichever ticker asks; a mirror needs no such manners."""
    clock, slept = [100.0], list[float]()
    monkeypatch.setattr("ledger.ingest.providers.b3.provider.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("ledger.ingest.providers.b3.provider.time.sleep", slept.append)
    call = Call(request=Request(ticker="PETR4.SA", window=WINDOW), deadline=200.0, timeout_s=100)
    own = B3Provider(Access(cache_dir=Path("nowhere"), now=lambda: NOW_US))
    for _ in range(3):
        own._wait(call)
    assert [0.0, 2.0, 4.0] == slept
    provider(server)._wait(call)
    assert [0.0, 2.0, 4.0] == slept


def test_a_history_of_no_rows_says_nothing_of_what_is_held(server: B3Server) -> None:
    """Nobody who never paid is told from a name that is wrong: nothing that is held is taken for withdrawn."""
    assert joined.reading(body(fetched(server).answer)).all_actions_of is not None
    server.history("PETROBRAS", [])
    assert joined.reading(body(fetched(server).answer)).all_actions_of is None
