"""The whole page of a report, self-contained: no script, no request, no address outside it. Pure.

Operators come first (what is late, what failed, what is missing), then analysts, then auditors.
"""

from collections.abc import Sequence

from cli.render import times
from cli.render.report.custody import custody, glance, repeat, verdict
from cli.render.report.markup import Html, element, joined
from cli.render.report.series import series
from cli.render.report.style import CSS, POLICY
from cli.render.report.tables import Column, foreign, link, moment, newest, table
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
ALERTS = (
    Column("metric"),
    Column("ticker"),
    Column("alert.severity"),
    Column("reason", "long"),
    Column("raised"),
    Column("over"),
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
    chain, sections = facts.chain, _sections(facts, say)
    notes = [element("p", say("stands", position=chain.position, at=times.text(chain.recorded_at)), class_="soft")]
    if facts.asked:
        notes.append(element("p", say("about", tickers=", ".join(facts.asked))))
    if facts.left_out:
        notes.append(element("p", say("left_out", count=say.number(facts.left_out)), class_="note"))
    if facts.kind == "sample":
        notes.append(element("p", say("sample"), class_="note"))
    contents = (element("li", link(key, say(key))) for key in sections)
    parts = (
        element("section", element("h2", say(key), id=key), content, aria_labelledby=key)
        for key, content in sections.items()
    )
    foot = say("footer", ledger=facts.ledger_id, position=chain.position, head=chain.head or say("unknown"))
    return [
        element("a", say("skip"), class_="skip", href="#report"),
        element("header", element("h1", say("title")), *notes),
        element("nav", element("ul", *contents), aria_label=say("contents")),
        element("main", *parts, id="report"),
        element("footer", foot),
    ]


def _sections(facts: ReportFacts, say: Phrases) -> dict[str, Html]:
    """Return the sections of the page, by the key of their headings; of a chain that does not hold two are left."""
    if facts.chain.flaw is not None:
        return {"glance": verdict(facts, say), "repeat": repeat(facts, say)}
    places = [(one, f"ticker-{number}") for number, one in enumerate(facts.tickers)]
    health = (_ticker(one, place, say) for one, place in places)
    prices = joined(series(one, say, place) for one, place in places)
    return {
        "glance": glance(facts, say),
        "health": table(say("health.caption", limit=say.age(facts.lag_threshold_s)), HEALTH, health, say),
        "alerts": _alerts(facts, say),
        "failures": _attempts(facts.failures, say("failures.caption"), say),
        "runs": _attempts(facts.runs, say("runs.caption"), say),
        "prices": prices if places else element("p", say("prices.none")),
        "sources": _sources(facts, say),
        "custody": custody(facts, say),
        "repeat": repeat(facts, say),
    }


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


def _alerts(facts: ReportFacts, say: Phrases) -> Html:
    if not facts.alerts:
        return element("p", say("none"))
    rows = (
        (
            one.metric,
            one.ticker or say("alert.ledger"),
            say(f"severity.{one.severity}"),
            foreign(one.reason, say),
            times.text(one.raised_at),
            say("alert.open") if one.resolved_at is None else times.text(one.resolved_at),
            say.number(one.seq),
        )
        for one in reversed(facts.alerts)
    )
    caption = newest(say("alerts.caption"), len(facts.alerts), facts.alerts_count, say)
    return table(caption, ALERTS, rows, say)


def _attempts(entries: Sequence[LogEntry], caption: str, say: Phrases) -> Html:
    if not entries:
        return element("p", say("none"))
    rows = (
        (
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
        for one in reversed(entries)
    )
    return table(caption, RUNS, rows, say)


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
