"""The whole page of a report, self-contained: no script, no request, no address outside it. Pure.

Operators come first (what is late, what failed, what is missing), then analysts, then auditors.
"""

from collections.abc import Callable, Sequence

from cli.render import times
from cli.render.report.custody import custody, glance, repeat, verdict
from cli.render.report.markup import Html, element, joined
from cli.render.report.series import series
from cli.render.report.style import CSS, POLICY
from cli.render.report.tables import Column, foreign, link, moment, table
from cli.render.report.words import Lang, Phrases
from projections.api.rows import LogEntry
from projections.models.log_entry import FAILURES
from projections.models.retirements import Retirement
from projections.queries.metrics_report import TickerReport
from projections.report.facts import ReportFacts, TickerFacts

HEALTH = (
    Column("ticker"),
    Column("severity"),
    Column("reason", "long"),
    Column("last_ingest"),
    Column("age", "n"),
    Column("last_session"),
    Column("behind", "n"),
    Column("missing.short", "n"),
    Column("sessions", "n"),
    Column("source"),
)
RUNS = (
    Column("finished"),
    Column("ticker"),
    Column("status"),
    Column("attempt", "n"),
    Column("duration", "n"),
    Column("accepted", "n"),
    Column("rejected", "n"),
    Column("flagged", "n"),
    Column("source"),
    Column("error", "long"),
    Column("seq", "n"),
)
SOURCES = (
    Column("source"),
    Column("read", "n"),
    Column("held", "n"),
    Column("sessions", "n"),
    Column("first"),
    Column("last_session"),
)


def page(facts: ReportFacts, lang: Lang) -> bytes:
    """Return the page in UTF-8; the same facts give the same bytes."""
    say = Phrases(lang)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        element("title", f"{say('title')}, {say('position').lower()} {facts.chain.position}"),
        Html(f"<style>{CSS}</style>"),
    )
    body = element("body", *_body(facts, say))
    return f"<!doctype html>\n{element('html', head, body, lang=lang)}\n".encode()


def _body(facts: ReportFacts, say: Phrases) -> list[Html]:
    chain, sections = facts.chain, _sections(facts)
    notes = [element("p", say("stands", position=chain.position, at=times.text(chain.recorded_at)), class_="soft")]
    if facts.asked:
        notes.append(element("p", say("about", tickers=", ".join(facts.asked))))
    if facts.kind == "sample":
        notes.append(element("p", say("sample"), class_="note"))
    contents = (element("li", link(key, say(key))) for key, _ in sections)
    parts = (
        element("section", element("h2", say(key), id=key), content(facts, say), aria_labelledby=key)
        for key, content in sections
    )
    foot = say("footer", ledger=facts.ledger_id, position=chain.position, head=chain.head or say("unknown"))
    return [
        element("a", say("skip"), class_="skip", href="#report"),
        element("header", element("h1", say("title")), *notes),
        element("nav", element("ul", *contents), aria_label=say("contents")),
        element("main", *parts, id="report"),
        element("footer", foot),
    ]


def _sections(facts: ReportFacts) -> list[tuple[str, Callable[[ReportFacts, Phrases], Html]]]:
    """Return the sections of the page, by the key of their headings; of a chain that does not hold two are left."""
    if facts.chain.flaw is not None:
        return [("glance", verdict), ("repeat", repeat)]
    return [
        ("glance", glance),
        ("health", _health),
        ("failures", _failures),
        ("runs", _runs),
        ("prices", _prices),
        ("sources", _sources),
        ("custody", custody),
        ("repeat", repeat),
    ]


def _health(facts: ReportFacts, say: Phrases) -> Html:
    rows = (_ticker(one, f"ticker-{number}", say) for number, one in enumerate(facts.tickers))
    return table(say("health.caption", limit=say.age(facts.lag_threshold_s)), HEALTH, rows, say)


def _ticker(one: TickerFacts, place: str, say: Phrases) -> Sequence[str]:
    found, name = one.health, link(place, one.ticker)
    sessions, source = say.number(len(one.prices)), one.provider or ""
    missing = say.number(len(one.missing))
    if found is None:
        return name, say("severity.none"), "", "", "", "", "", missing, sessions, source
    lag, last, behind = found.ingest_lag_seconds, found.last_ingest, found.sessions_behind
    return (
        name,
        element("strong", say(f"severity.{found.severity}"), class_=found.severity),
        _reason(found, one.retired, say),
        say("never") if last is None else times.text(last),
        "" if lag is None else say.age(max(lag, 0)),
        "" if found.last_date is None else found.last_date.isoformat(),
        "" if behind is None else say.number(behind),
        missing,
        sessions,
        source or found.provider,
    )


def _reason(found: TickerReport, retired: Retirement | None, say: Phrases) -> str:
    """Return why a ticker is no better, or that it ended; empty where it is well."""
    if found.severity == "ok":
        if retired is None:
            return ""
        return say("retired.into" if retired.into else "retired", on=retired.on, into=retired.into)
    lag, behind = found.ingest_lag_seconds, found.sessions_behind
    if found.severity == "critical" and lag is not None:
        if lag < 0:
            return say("reason.ahead", age=say.age(-lag))
        return say("reason.late", age=say.age(lag), behind=say("unknown") if behind is None else behind)
    if found.status in FAILURES:
        return say("reason.run", status=say(f"status.{found.status}"))
    return say("reason.rows", rejected=found.rejected, flagged=found.flagged)


def _failures(facts: ReportFacts, say: Phrases) -> Html:
    return _attempts(facts.failures, say("failures.caption"), say)


def _runs(facts: ReportFacts, say: Phrases) -> Html:
    return _attempts(facts.runs, say("runs.caption"), say)


def _attempts(entries: Sequence[LogEntry], caption: str, say: Phrases) -> Html:
    if not entries:
        return element("p", say("none"))
    return table(caption, RUNS, (_attempt(one, say) for one in reversed(entries)), say)


def _attempt(one: LogEntry, say: Phrases) -> Sequence[str]:
    return (
        moment(one.finished_at),
        one.ticker,
        say("status.superseded" if one.superseded else f"status.{one.status}"),
        say.number(one.attempt),
        say.number(one.duration_ms),
        say.number(one.accepted),
        say.number(one.rejected),
        say.number(one.flagged),
        one.provider,
        foreign(one.error_message, say),
        say.number(one.seq),
    )


def _prices(facts: ReportFacts, say: Phrases) -> Html:
    if not facts.tickers:
        return element("p", say("prices.none"))
    return joined(series(one, say, f"ticker-{number}") for number, one in enumerate(facts.tickers))


def _sources(facts: ReportFacts, say: Phrases) -> Html:
    if not facts.sources:
        return element("p", say("none"))
    rows = (
        (
            one.provider,
            say.number(one.read),
            say.number(one.tickers),
            say.number(one.sessions),
            one.first.isoformat(),
            one.last.isoformat(),
        )
        for one in facts.sources
    )
    return table(say("sources.caption", order=", ".join(facts.order)), SOURCES, rows, say)
