"""The page: sound whatever is in it, self-contained, bounded in size, and clear about what it says."""

from datetime import date
from random import Random

import msgspec
import pytest

from cli.render.report.page import page
from cli.render.report.words import LANGS, Lang
from ledger.audit.flaw import Flaw
from projections.models.retirements import Retirement
from projections.report.facts import TickerFacts
from tests.cli.render.report import made
from tests.cli.render.report.reading import PageReader, sound

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=1>\"'&amp;\x1b[31m\u202e\n\x00"
SEEN = "</td><script>alert(1)</script><img src=x onerror=1>\"'&amp;\\x1b[31m\\u202e\\n\\x00"
LIMIT_BYTES = 300_000


@pytest.mark.parametrize("lang", LANGS)
def test_a_page_is_sound(lang: Lang) -> None:
    """In both languages, and says which it is in."""
    found = sound(page(made.facts(made.ticker()), lang))
    assert [{"lang": lang}] == found.of("html")
    assert {1, 2, 3} == set(found.headings())


@pytest.mark.parametrize("lang", LANGS)
def test_an_empty_ledger_has_a_page(lang: Lang) -> None:
    """Nothing was ingested, backed up or failed."""
    bare = made.facts(custody=(), custody_count=0, newest={}, sources=(), runs=(), failures=(), kind="sample")
    assert [] == sound(page(bare, lang)).of("svg")


def test_a_ticker_without_a_session_has_its_part() -> None:
    """Nothing is drawn of it."""
    never = TickerFacts(ticker="XPTO3.SA", health=made.health("XPTO3.SA", last_ingest=None, ingest_lag_seconds=None))
    found = sound(page(made.facts(never), "en"))
    assert "never" in found.text
    assert "No session is held." in found.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"severity": "ok", "rejected": 0}, ""),
        ({"severity": "critical", "ingest_lag_seconds": 90_061, "sessions_behind": 2}, "1 d 1 h since its last ingest"),
        ({"severity": "critical", "ingest_lag_seconds": 90_061, "sessions_behind": None}, "sessions behind: not known"),
        ({"severity": "critical", "ingest_lag_seconds": -61}, "its last ingest is 1 min 1 s ahead of the position"),
        ({"severity": "warning", "status": "locked"}, "the last run ended as locked"),
        ({"severity": "warning", "rejected": 4, "flagged": 2}, "last answer: 4 rows rejected, 2 flagged"),
    ],
)
def test_a_ticker_says_why_it_is_no_better(fields: dict[str, object], said: str) -> None:
    """In words of the page's language, from the same figures as `main metrics`."""
    row = PageReader(page(made.facts(made.ticker(health=made.health(**fields))), "en").decode()).text
    assert said in row
    assert ("last answer" in row) is ("last answer" in said)


@pytest.mark.parametrize(
    ("into", "said"), [(None, "ended on 2026-01-30"), ("AXIA3.SA", "ended on 2026-01-30, goes on as AXIA3.SA")]
)
def test_a_ticker_that_ended_says_so(into: str | None, said: str) -> None:
    """And what it goes on as."""
    retired = Retirement("PETR4.SA", date(2026, 1, 30), into, 1, 1, "a person's word")
    assert said in PageReader(page(made.facts(made.ticker(retired=retired)), "en").decode()).text


def test_what_comes_from_outside_is_text_and_nothing_else() -> None:
    """Names, messages, reasons: escaped for HTML, and what is harmful in a terminal shown as what it is."""
    part = made.ticker(HOSTILE, provider=HOSTILE, health=made.health(HOSTILE, provider=HOSTILE))
    custody = msgspec.structs.replace(made.facts().custody[0], detail=HOSTILE)
    hostile = made.facts(
        part,
        software=HOSTILE,
        order=(HOSTILE,),
        asked=(HOSTILE,),
        custody=(custody,),
        newest={custody.type: custody},
        alerts=(made.alert(metric=HOSTILE, ticker=HOSTILE, reason=HOSTILE),),
        alerts_count=1,
        runs=(msgspec.structs.replace(made.entry(), ticker=HOSTILE, provider=HOSTILE),),
        failures=(made.entry(error_message=HOSTILE),),
        sources=(msgspec.structs.replace(made.facts().sources[0], provider=HOSTILE),),
    )
    for lang in LANGS:
        content = page(hostile, lang)
        found = sound(content)
        assert 15 < found.text.count(SEEN.replace("\n", " "))
        assert not {"\x1b", "\u202e", "\x00"} & set(content.decode())


def test_a_chain_that_does_not_hold_is_all_that_is_said() -> None:
    """Nothing folded from it is shown."""
    found = sound(page(made.facts(flaw=Flaw(4, "link", "aa", HOSTILE)), "en"))
    assert "The log was altered Event 4 does not hold: link: got" in found.text
    assert SEEN in found.text
    assert [] == found.of("table")
    assert "critical" in str(found.of("p"))


def large(number: int) -> TickerFacts:
    """Return a ticker of forty years with thousands of each thing that can happen."""
    random, close = Random(number), 50.0
    prices, days = [], [day for day in range(14_600) if day % 7 < 5]
    for day in days:
        close = max(1.0, close * random.uniform(0.96, 1.042))
        prices.append(made.price(day, f"{close:.6f}"))
    return made.ticker(
        f"AAA{chr(65 + number)}{'X' * 5}3.SA",
        prices=tuple(prices),
        changes=tuple(
            made.change(day, cause, "12345.678901", "12345.678902", change=0.1, late=cause == "first")
            for cause in ("correction", "withdrawn", "rescale", "first")
            for day in random.sample(days, 2_000)
        ),
        missing=tuple(made.missing(day, rejected_answers=3) for day in sorted(random.sample(days, 2_000))),
        actions=tuple(made.action(day, *kind) for day in days[::30] for kind in (("dividend",), ("split", None))),
    )


def test_twenty_tickers_fit_into_300_kilobytes() -> None:
    """Five years of daily prices each, with revisions and gaps, every table full."""
    shortened = [
        msgspec.structs.replace(
            one,
            prices=one.prices[:1_250],
            changes=tuple(found for found in one.changes if found.date < one.prices[1_250].date)[:120],
            missing=one.missing[:20],
            actions=one.actions[:40],
        )
        for one in map(large, range(20))
    ]
    runs = tuple(made.entry(error_message="x" * 200) for _ in range(20))
    content = page(made.facts(*shortened, runs=runs, failures=runs), "pt-BR")
    sound(content)
    assert len(content) < LIMIT_BYTES


def test_no_number_of_sessions_makes_a_ticker_large() -> None:
    """The picture has as many columns as it has; tables show the newest rows and count the others."""
    without = len(page(made.facts(), "en"))
    assert len(page(made.facts(large(1)), "en")) - without < 60_000


def test_the_same_facts_give_the_same_bytes() -> None:
    """And every fact that differs gives others."""
    one = made.facts(made.ticker())
    later = msgspec.structs.replace(one, chain=msgspec.structs.replace(one.chain, recorded_at=made.AT_US + 61_000_000))
    assert page(one, "en") == page(made.facts(made.ticker()), "en") != page(later, "en")


def test_a_message_recorded_in_english_is_marked_as_such() -> None:
    """On a page in Portuguese, for whoever has it read aloud."""
    english, portuguese = (PageReader(page(made.facts(), lang).decode()) for lang in LANGS)
    assert ([], 2) == (english.of("span")[1:], len([one for one in portuguese.of("span") if one == {"lang": "en"}]))


def test_what_is_counted_is_what_is_shown() -> None:
    """The cards say how old the newest backup is, and how many events it lacks."""
    found = sound(page(made.facts(made.ticker()), "en"))
    assert "Last backup a.db, 1 d 1 h before, 3 events not covered" in found.text
    assert "1: 0 critical, 0 warning, 1 ok" in found.text


def test_alerts_say_what_began_and_what_is_over() -> None:
    """The newest first; how many there were where not all are shown."""
    over = made.alert(metric="ingest.lag", ticker="PETR4.SA", severity="critical", resolved_at=made.AT_US + 61_000_000)
    found = sound(page(made.facts(made.ticker(), alerts=(over, made.alert()), alerts_count=5), "en"))
    _, _, said = found.text.partition("The newest 2 of 5.")
    opened = "backup.age the ledger warning got no backup 2026-02-13T12:00:00Z not over 7"
    closed = "ingest.lag PETR4.SA critical got no backup 2026-02-13T12:00:00Z 2026-02-13T12:01:01Z 7"
    assert f"{opened} {closed}" in said
