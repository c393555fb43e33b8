"""`main alerts`: what is wrong now, told once when it begins and once when it ends."""

import sys
from contextlib import nullcontext

import click

from cli.app import clock, exits, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.setting_values import endpoint
from cli.app.settings import Settings
from cli.app.supervisor import die_with_parent
from cli.commands.status.alerts import looking, row, spool, transitions
from cli.commands.status.alerts.book import AlertBook, following
from cli.commands.status.alerts.delivering import Delivery, Receiver
from cli.commands.status.alerts.looking import Seen
from cli.commands.status.alerts.ping import ping, word_of
from cli.context import ledgers, sample
from cli.context.ledgers import ActiveLedger
from ledger import ids
from ledger.errors import LedgerError, NothingToShowError
from ledger.urls import MASK, host_of
from projections.queries.alarms import gravest

SEVERITIES = {None: Exit.OK, "warning": Exit.WARNING, "critical": Exit.CRITICAL}


class EndpointType(click.ParamType[str]):
    """An address to post to; what is refused is not shown, since it may hold a token."""

    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return `value`, or refuse it."""
        try:
            return endpoint(value)
        except ValueError:
            self.fail(f"got {host_of(value) or MASK}, want an http or https URL without a user", param, ctx)


@click.command(
    epilog="""\b
Examples:
  main alerts
  main alerts --format json
  ALERTING_ENABLED=true main alerts
  main alerts --ping https://hc-ping.com/UUID

\b
Exit codes: 0 nothing is wrong; 1 something wants a look, or a message or the ping could not be delivered;
2 something is critical: a ticker is late, a bad verdict, a ledger that cannot be read, a full disk;
3 no ledger, no ingest recorded, another main alerts at work, or no permission to look.
"""
)
@click.option("--webhook", type=EndpointType(), help="Deliver to this address, for this once.  [ALERT_WEBHOOK_URL]")
@click.option("--ping", "switch", type=EndpointType(), help="A dead man's switch to ping.  [ALERT_PING_URL]")
@sample.option
@output.style_options
@click.pass_context
def alerts(context: click.Context, /, webhook: str | None, switch: str | None, style: Style) -> int:
    """Say what is wrong now; tell others when it begins and when it ends.

    Late or failing ingest, missing sessions, the age of the last backup, verification and checkpoint, free space,
    a bad verdict. With ALERTING_ENABLED=true, --webhook or --ping each beginning and end is recorded
    (alert.raised, alert.resolved) and delivered once, by Standard Webhooks, signed with
    ALERT_WEBHOOK_SECRET; what could not be delivered is tried again the next time. Else it only prints.
    """
    given = settings.load()
    url, receiver = webhook or given.alert_webhook_url, None
    if url is not None:
        if given.alert_webhook_secret is None:
            context.fail(f"got {host_of(url)} without ALERT_WEBHOOK_SECRET, want the secret that signs the messages")
        receiver = Receiver(
            url=url,
            keys=given.alert_webhook_secret,
            timeout_s=given.alert_timeout_seconds,
            by_hand=webhook is not None,
        )
    asked = given.alerting_enabled or webhook is not None or switch is not None
    switch = switch or (given.alert_ping_url if given.alerting_enabled else None)
    job_id, timeout_s = ids.new_id(clock.now_us(given, reading=True)), given.alert_timeout_seconds
    ping(switch, "start", job_id=job_id, timeout_s=timeout_s)
    try:
        code = _told(given, receiver if asked else None, job_id, style, asked=asked)
    except (LedgerError, OSError) as error:
        ping(switch, word_of(exits.describe(error).exit_code), job_id=job_id, timeout_s=timeout_s)
        raise
    if not ping(switch, word_of(code), job_id=job_id, timeout_s=timeout_s):
        return max(code, Exit.WARNING)
    return code


def _told(given: Settings, receiver: Receiver | None, job_id: bytes, style: Style, *, asked: bool) -> Exit:
    """Look, record and deliver what began or ended where that is `asked`, and print what is wrong.

    Raises: NothingToShowError where nothing was ever ingested, and nothing is wrong.
    """
    ledger = ledgers.active(given)
    now_us = clock.now_us(given, reading=not asked, sample=ledger.kind == "sample")
    if asked:
        die_with_parent()
    with spool.alone(ledger.home) if asked else nullcontext():
        seen = looking.look(ledger, given, now_us)
        delivery = Delivery(receiver) if receiver else None
        book = _kept(ledger, given, seen, delivery, job_id=job_id, now_us=now_us) if asked else None
    known = seen.episodes if book is None else book.held.values()
    held = {one.subject: one for one in known if not one.ending}
    rows = [row.row(one, held.get(one.subject), job_id=job_id, now_us=now_us) for one in seen.alarms]
    # For a person alone: cron would mail that all is well.
    output.report(rows, style, text=row.text, table=row.TABLE, none="nothing is wrong" if sys.stderr.isatty() else "")
    # Each on stderr as well, since it makes the exit code: cron mails that.
    for one in rows:
        output.say(f"{one.severity}: {row.subject(one)}: {one.reason}")
    if not rows and seen.tickers == 0:
        raise NothingToShowError("no ingest of any ticker", wanted="one recorded")
    found = SEVERITIES[gravest(seen.alarms)]
    return max(found, Exit.WARNING) if delivery and delivery.undelivered else found


def _kept(
    ledger: ActiveLedger, given: Settings, seen: Seen, delivery: Delivery | None, *, job_id: bytes, now_us: int
) -> AlertBook:
    """Record what began and what ended, then what became of the messages; return the book."""
    book = AlertBook(ledger, given, seen, job_id=job_id)
    size = following(seen, book, now_us)
    begun = transitions.begun(seen.alarms, book.held, ledger_id=seen.ledger_id, size=size, now_us=now_us)
    ended = transitions.ended(seen.alarms, book.held, judged=seen.judged, now_us=now_us)
    book.add([*begun, *ended])
    if delivery is not None:
        book.add(list(delivery.sent(list(book.held.values()), seen.gone)))
    return book
