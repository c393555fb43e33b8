"""A loopback stand-in for the exchange's list of corporate actions, with its habits.

A page of 200 rows or more comes empty with no counts; a name with a slash is known to nobody; who is asked for is
compared without spaces, dots, dashes and case; an unknown code has no body at all; text comes encoded twice. Funds and
BDRs have questions of their own, and who is listed now is found by a part of the code.
"""

import base64
import json
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote

PAGE_SIZE_MAX = 120
CODE_CVM, KNRI = "9512", "BRKNRICTF007"


def stock(com: str, label: str, factor: str, isin: str, issued: str | None = None) -> dict[str, Any]:
    """Return a row of a split, grouping or bonus."""
    return {
        "assetIssued": issued or isin,
        "factor": factor,
        "approvedOn": com,
        "isinCode": isin,
        "label": label,
        "lastDatePrior": com,
        "remarks": "",
    }


def cash(com: str, label: str, rate: str, isin: str, paid: str = "31/12/9999") -> dict[str, Any]:
    """Return a row of what a share pays, as a supplement has it."""
    return {
        "assetIssued": isin,
        "paymentDate": paid,
        "rate": rate,
        "relatedTo": "",
        "approvedOn": "",
        "isinCode": isin,
        "label": label,
        "lastDatePrior": com,
        "remarks": "",
    }


def right(com: str, percentage: str, price: str, isin: str) -> dict[str, Any]:
    """Return a row of a right to new shares."""
    return {
        "assetIssued": isin,
        "percentage": percentage,
        "priceUnit": price,
        "tradingPeriod": "31/12/9999 a 31/12/9999",
        "subscriptionDate": "31/12/9999",
        "approvedOn": com,
        "isinCode": isin,
        "label": "SUBSCRICAO",
        "lastDatePrior": com,
        "remarks": "",
    }


def past(
    com: str, share: str, label: str, value: str, *, quoted: str = "1", close: str | None = None
) -> dict[str, Any]:
    """Return a row of a history of cash; the close is of the same day, for as many shares as the value."""
    return {
        "typeStock": share,
        "dateApproval": None,
        "valueCash": value,
        "ratio": quoted,
        "corporateAction": label,
        "lastDatePriorEx": com,
        "dateClosingPricePriorExDate": com,
        "closingPricePriorExDate": close,
        "quotedPerShares": quoted,
        "corporateActionPrice": None,
        "lastDateTimePriorEx": f"{com} 00:00:00",
    }


def company(code: str, name: str, **rows: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Return a supplement: a list of one."""
    lists = {"cashDividends": [], "stockDividends": [], "subscriptions": []}
    return [{"code": code, "codeCVM": CODE_CVM, "tradingName": name.ljust(12), **lists, **rows}]


def fund(**rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the events of a fund, which do not say whose they are, and have no list that is empty."""
    return dict(rows)


def page(rows: list[dict[str, Any]], number: int = 1, size: int = 100) -> dict[str, Any]:
    """Return one page of a history."""
    counts = {"pageNumber": number, "pageSize": size, "totalRecords": len(rows), "totalPages": -(-len(rows) // size)}
    return {"page": counts, "results": rows[(number - 1) * size : number * size]}


class B3Server:
    """Answers on loopback; `asked` are the questions with their parameters, `faults` answers in place of its own."""

    def __init__(self) -> None:
        self.companies: dict[str, Any] = {"PETR": company("PETR", "PETROBRAS")}
        self.bdrs: dict[str, Any] = {"AAPL": company("AAPL", "APPLE")}
        self.funds: dict[str, Any] = {"KNRI": fund(cashDividends=[cash("28/02/2025", "RENDIMENTO", "1,0", KNRI)])}
        self.listed: list[dict[str, Any]] = [{"issuingCompany": "PETR", "codeCVM": CODE_CVM}]
        self.histories: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.faults: list[tuple[int, bytes]] = []
        self.is_mute = False  # answers every question with nothing
        self.agents: set[str] = set()  # who asked, as they call themselves
        self.tokens: list[str] = []  # the questions, as they were written
        self.released = threading.Event()  # until when no question is answered
        self.released.set()
        self.now: datetime | None = None  # what its clock shows; None: the machine's
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Return what stands for every host."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method: str, params: dict[str, Any]) -> tuple[int, bytes]:
        """Return status and body of one question."""
        self.asked.append((method, params))
        if self.faults:
            return self.faults.pop(0)
        if self.is_mute:
            return 200, b""
        by_code = {
            "GetListedSupplementCompany": self.companies,
            "GetListedSupplementBDR": self.bdrs,
            "GetEventsCorporateActions": self.funds,
        }
        if method in by_code:
            asked = params["idCEM" if method == "GetEventsCorporateActions" else "issuingCompany"]
            found = by_code[method].get(asked)
            return 200, b"" if found is None else json.dumps(json.dumps(found, ensure_ascii=False)).encode()
        if method == "GetInitialCompanies":
            listed = [one for one in self.listed if params["company"] in one["issuingCompany"]]
            return 200, json.dumps(page(listed, params["pageNumber"], params["pageSize"])).encode()
        if params["pageSize"] > PAGE_SIZE_MAX:
            empty = {"page": {"pageNumber": 1, "pageSize": 0, "totalRecords": None, "totalPages": None}, "results": []}
            return 200, json.dumps(empty).encode()
        rows = self.histories.get(_spoken(params["tradingName"]), [])
        return 200, json.dumps(page(rows, params["pageNumber"], params["pageSize"])).encode()

    def history(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Give a company, under its name, these rows."""
        self.histories[_spoken(name.replace("/", ""))] = rows

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _, host, proxy, call, method, token = unquote(self.path).split("/", 5)
                server.agents.add(self.headers.get("User-Agent", ""))
                server.tokens.append(token)
                server.released.wait()
                of_funds = method == "GetEventsCorporateActions"
                known = (host, proxy, call) == (
                    "sistemaswebb3-listados.b3.com.br",
                    "fundsListedProxy" if of_funds else "listedCompaniesProxy",
                    "Search" if of_funds else "CompanyCall",
                )
                status, body = server.answer(method, json.loads(base64.b64decode(token))) if known else (404, b"")
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def date_time_string(self, timestamp: float | None = None) -> str:
                """Return the time by the server's own clock."""
                return super().date_time_string(timestamp if server.now is None else server.now.timestamp())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _spoken(name: str) -> str:
    return "".join(letter for letter in name.upper() if letter not in " .-")
