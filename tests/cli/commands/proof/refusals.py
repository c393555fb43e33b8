"""What is asked for wrongly is refused before anything is signed."""

from pathlib import Path

from tests.support.sample_ledger import kept, look


def refused_before_anything(folder: Path, args: tuple[str, ...], said: str) -> None:
    """Run `main` on `args` in `folder`: it says `said`, shows no secret of a URL, and leaves every file as it was."""
    before = kept(folder)
    done = look(*args, cwd=folder)
    assert (3, before) == (done.code, kept(folder))
    assert said in done.err
    assert "secret" not in done.err
