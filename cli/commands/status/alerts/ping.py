"""A dead man's switch: somebody outside is told that `main alerts` began and how it ended, and rings when it is not.

`URL/start`, then `URL/<exit code>`; 1 (a warning) goes to `URL/log`, since every other number is a failure there.
"""

from urllib.parse import quote, urlsplit, urlunsplit

from cli.app import output
from cli.app.exit_codes import Exit
from cli.commands.status.alerts.post import post
from ledger import ids
from ledger.urls import host_of

ATTEMPTS = 2


def ping(url: str | None, word: str, *, job_id: bytes, timeout_s: float) -> bool:
    """Tell the switch at `url` (None: there is none) the `word`; return whether it heard, said on stderr if not."""
    if url is None:
        return True
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, f"rid={ids.text(job_id)}")))
    address = urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{quote(word)}", query=query))
    for _ in range(ATTEMPTS):
        reply = post(address, b"", {"user-agent": "b3-ledger"}, timeout_s=timeout_s)
        if reply.taken:
            return True
    output.say(f"warning: ping {word}: got {reply.words()} from {host_of(url)}, want a status of 2xx")
    return False


def word_of(exit_code: int) -> str:
    """Return what a switch is told of an exit code."""
    return "log" if exit_code == Exit.WARNING else str(int(exit_code))
