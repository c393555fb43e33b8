"""What a report says to an auditor: the verdict, what was done with the log, and the commands to repeat it. Pure."""

from collections.abc import Iterator

from cli.render import times
from cli.render.report.markup import Html, element, joined
from cli.render.report.tables import Column, foreign, newest, table
from cli.render.report.words import Phrases
from ledger.events import BackupCreated, CheckpointSigned, LogVerified
from projections.report.facts import ReportFacts

CUSTODY = (Column("recorded"), Column("event"), Column("size", "n"), Column("detail", "long"), Column("seq", "n"))
NEWEST = {
    "newest.backup": BackupCreated.TAG,
    "newest.verified": LogVerified.TAG,
    "newest.checkpoint": CheckpointSigned.TAG,
}


def glance(facts: ReportFacts, say: Phrases) -> Html:
    """Return the verdict, and in a few facts what the ledger is and how it goes."""
    described = (element("div", element("dt", say(key)), element("dd", words)) for key, words in _facts(facts, say))
    return joined([verdict(facts, say), element("dl", *described)])


def verdict(facts: ReportFacts, say: Phrases) -> Html:
    """Return what the chain up to the position was found to be."""
    chain = facts.chain
    how, state = say("chain.intact.how", position=chain.position), "ok"
    if (flaw := chain.flaw) is not None:
        state = "critical"
        seq = say("unknown") if flaw.seq is None else flaw.seq
        how = say("chain.bad.how", seq=seq, kind=flaw.kind, found=flaw.found, expected=flaw.expected)
    bold = element("strong", say(f"chain.{chain.verdict}"))
    return element("p", bold, element("span", how), class_=f"verdict {state}")


def _facts(facts: ReportFacts, say: Phrases) -> Iterator[tuple[str, str]]:
    chain = facts.chain
    severities = [one.health.severity for one in facts.tickers if one.health is not None]
    counts = {name: severities.count(name) for name in ("critical", "warning", "ok")}
    yield "tickers", f"{say.number(len(facts.tickers))}: {say('tally', **counts)}"
    yield "doubted", say.number(sum(len(one.doubted) for one in facts.tickers))
    yield "missing", say.number(sum(len(one.missing) for one in facts.tickers))
    for key, tag in NEWEST.items():
        if (event := facts.newest.get(tag)) is None:
            yield key, say("none")
            continue
        age = say.age((chain.recorded_at - event.recorded_at) // times.SECOND_US)
        uncovered = chain.position - (event.size or 0)
        yield key, say("covers", detail=event.detail, age=age, uncovered=uncovered)
    yield "position", say("events", count=chain.position, seq=chain.position - 1)
    yield "recorded", times.text(chain.recorded_at)
    yield "ledger", joined([element("code", facts.ledger_id), f", {say(f'kind.{facts.kind}')}"])
    yield "created", say("by", at=times.text(facts.created_at), software=facts.software)
    yield "head", element("code", chain.head)


def custody(facts: ReportFacts, say: Phrases) -> Html:
    """Return the newest events about the log itself, newest first."""
    if not facts.custody:
        return element("p", say("none"))
    rows = (
        (
            times.text(one.recorded_at),
            say(f"event.{one.type}"),
            "" if one.size is None else say.number(one.size),
            foreign(one.detail, say),
            say.number(one.seq),
        )
        for one in reversed(facts.custody)
    )
    caption = newest(say("custody.caption"), len(facts.custody), facts.custody_count, say)
    return table(caption, CUSTODY, rows, say)


def repeat(facts: ReportFacts, say: Phrases) -> Html:
    """Return the commands that give this page again and check what it says."""
    last = facts.chain.position - 1
    tickers = "".join(f" --ticker {name}" for name in facts.asked)
    commands = (
        f"main report{tickers} --as-of {last} --lang {say.lang} --out report.html",
        f"main events show {last} --format json",
        "main verify",
        f"main replay --until {last}",
        *(f"main snapshot --ticker {one.ticker} --as-of {last}" for one in facts.tickers[:1] if one.prices),
    )
    return joined(
        [element("p", say("repeat.how")), element("pre", *(Html(f"{element('code', one)}\n") for one in commands))]
    )
