"""An export at a URL has the bytes of that in a folder, and a manifest only of what is there, whatever stops it."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.app.errors import ExportUnderWayError, ForeignObjectError
from cli.commands.prices.export.folder import fresh_folder, put_manifest
from cli.commands.prices.export.published import ExportPlace, publish
from cli.commands.prices.export.row import FORMAT, ExportedFile, Manifest
from ledger.objects.errors import StoreError
from tests.e2e.test_crash import die_at
from tests.e2e.workplace import Workplace
from tests.support.cli import Result, run_main
from tests.support.object_server import SECRET, ObjectServer
from tests.support.sample_ledger import NOW, make_more

pytest.importorskip("obstore")
BEFORE = {"prices/year=2024/p.csv": b"2024", "prices/year=2025/p.csv": b"old", "gone/only/then.csv": b"then"}
AFTER = {"prices/year=2024/p.csv": b"2024", "prices/year=2025/p.csv": b"new", "ticker=%5EBVSP/added~1@2.csv": b"now"}
MIXED = {*BEFORE, *AFTER}


class Kill(BaseException):
    """The end of a process, as far as what it wrote goes."""


def export(*args: str, cwd: Path, server: ObjectServer | None = None, code: int = 0) -> Result:
    """Run `main export`."""
    done = run_main("export", *args, cwd=cwd, env={**NOW, **(server.env if server else {})})
    assert code == done.code, done.err
    return done


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder`."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def marks(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return what changes of each file below `folder` when it is written."""
    files = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in files.items()}


def written(folder: Path, files: dict[str, bytes], position: int = 1) -> Path:
    """Return `folder` with an export of these files in it."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    told = [
        ExportedFile(path=name, rows=1, sha256=hashlib.sha256(content).hexdigest()) for name, content in files.items()
    ]
    manifest = Manifest(
        format=FORMAT, file_format="csv", kind="real", position=position, head="", software="", series=[], files=told
    )
    put_manifest(folder, manifest)
    return folder


def truth(folder: Path) -> Manifest | None:
    """Return the manifest at a place, all of whose files are there; None where there is no manifest."""
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    for file in manifest.files:
        assert file.sha256 == hashlib.sha256((folder / file.path).read_bytes()).hexdigest(), file.path
    return manifest


@pytest.fixture
def nas(tmp_path: Path) -> Path:
    """A folder with an export that was published there."""
    publish(ExportPlace(f"file://{tmp_path}/nas"), written(tmp_path / "before", BEFORE))
    return tmp_path / "nas"


@pytest.mark.parametrize(
    "words",
    [
        ("--format", "csv"),
        ("--format", "parquet", "--layout", "ticker"),
        ("--for", "qlib"),
        ("--for", "beancount", "--as-of", "2"),
    ],
)
def test_a_url_has_the_bytes_of_the_folder(words: tuple[str, ...], copy: Path, tmp_path: Path) -> None:
    """Every file and the manifest, readable by others as those are; the line on stdout says so of either."""
    url = f"file://{tmp_path}/nas"
    here, there = export("--out", "lake", *words, cwd=copy), export("--out", url, *words, cwd=copy)
    assert contents(copy / "lake") == contents(tmp_path / "nas")
    assert here.out.removeprefix("lake") == there.out.removeprefix(url)
    assert [path.stat().st_mode for path in sorted((copy / "lake").rglob("*"))] == [
        path.stat().st_mode for path in sorted((tmp_path / "nas").rglob("*"))
    ]


def test_files_with_the_same_bytes_are_left_alone(copy: Path, tmp_path: Path) -> None:
    """All of them at the same position; after a job that changed nothing of these tickers, all but the manifest."""
    url, nas = f"file://{tmp_path}/nas", tmp_path / "nas"
    words = ("--out", url, "--format", "csv", "--ticker", "PETR4")
    export(*words, cwd=copy)
    before = marks(nas)
    export(*words, cwd=copy)
    assert before == marks(nas)
    make_more(copy)
    export(*words, cwd=copy)
    now = marks(nas)
    assert before.keys() == now.keys()
    assert {nas / "manifest.json"} == {path for path, mark in now.items() if mark != before[path]}


def test_an_export_takes_the_place_of_the_one_before(nas: Path, tmp_path: Path) -> None:
    """Whole: what only that had is gone, with its folders; what is the same was not written."""
    kept = marks(nas)[nas / "prices/year=2024/p.csv"]
    publish(ExportPlace(f"file://{nas}"), written(tmp_path / "after", AFTER, 2))
    assert contents(tmp_path / "after") == contents(nas)
    assert kept == marks(nas)[nas / "prices/year=2024/p.csv"]
    assert not (nas / "gone").exists()


def steps(monkeypatch: pytest.MonkeyPatch, act: Callable[[int, str], None]) -> None:
    """Call `act` before and after each thing that is written or removed at a place, with how manyth moment it is."""
    moments: list[str] = []
    for name in ("replace", "put_file", "remove"):
        real = getattr(ExportPlace, name)

        def stepped(*args: Any, name: str = name, real: Any = real, **named: Any) -> Any:
            moments.append(name)
            act(len(moments), name)
            made = real(*args, **named)
            moments.append(name)
            act(len(moments), name)
            return made

        monkeypatch.setattr(ExportPlace, name, stepped)


def test_a_kill_at_any_moment_leaves_no_manifest_of_what_is_not_there(
    nas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after each write: the manifest before, none, or the new one; the next export mends it all."""
    after = written(tmp_path / "after", AFTER, 2)
    monkeypatch.setattr("cli.commands.prices.export.published.AT_ONCE", 1)
    seen, moment = list[int | None](), 0
    while True:
        moment += 1
        with monkeypatch.context() as patch:

            def kill(number: int, _: str, at: int = moment) -> None:
                if number == at:
                    raise Kill

            steps(patch, kill)
            try:
                publish(ExportPlace(f"file://{nas}"), after)
                break
            except Kill:
                pass
        found = truth(nas)
        seen.append(found.position if found else None)
        assert {*contents(nas)} <= {*MIXED, "manifest.json"}
        publish(ExportPlace(f"file://{nas}"), after)
        assert contents(after) == contents(nas)
        publish(ExportPlace(f"file://{nas}"), tmp_path / "before")
        assert contents(tmp_path / "before") == contents(nas)
    # The claim, two files, one that goes, the manifest: each before and after.
    assert [1, None, None, None, None, None, None, None, None, 2] == seen


def test_a_killed_process_leaves_no_manifest_and_the_next_one_mends_it(copy: Path, tmp_path: Path) -> None:
    """By SIGKILL between the claim and the files; the folder is an export's to a command that is given its path too."""
    url, nas = f"file://{tmp_path}/nas", tmp_path / "nas"
    words = ("export", "--out", url, "--format", "csv")
    place = Workplace(copy, None, **NOW)
    die_at(place, "cli.commands.prices.export.published/ExportPlace:put_file", *words)
    assert ["manifest.json"] == [*contents(nas)]
    assert truth(nas) is None
    (nas / f".manifest.json.7{'.b3-ledger-part'}").write_text("{")  # as a kill within a write leaves it
    export("--out", url, "--format", "csv", cwd=copy)
    export("--out", "lake", "--format", "csv", cwd=copy)
    assert contents(copy / "lake") == contents(nas)
    die_at(place, "cli.commands.prices.export.published/ExportPlace:put_file", *words, "--ticker", "PETR4")
    assert truth(nas) is None
    export("--out", str(nas), "--format", "csv", cwd=copy)
    assert contents(copy / "lake") == contents(nas)


@pytest.mark.parametrize("moment", range(1, 11))
def test_of_two_at_once_one_ends_and_the_manifest_is_true(
    moment: int, nas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another export runs whole at any moment of the first: that ends, or what it may have undone it makes its own."""
    monkeypatch.setattr("cli.commands.prices.export.published.AT_ONCE", 1)
    other = written(tmp_path / "other", {"prices/year=2025/p.csv": b"other", "gone/only/then.csv": b"then"}, 3)
    after = written(tmp_path / "after", AFTER, 2)

    def interrupt(number: int, _: str) -> None:
        if number == moment:
            patch.undo()
            publish(ExportPlace(f"file://{nas}"), other)

    ended = False
    with monkeypatch.context() as patch:
        steps(patch, interrupt)
        try:
            publish(ExportPlace(f"file://{nas}"), after)
        except ExportUnderWayError:
            ended = True
    # Between the two looks around a write, the other has come to its end: the first goes on, as one that began later.
    goes_on = moment in range(3, 9)
    assert ended == (moment < 10 and not goes_on)
    found = truth(nas)
    assert (2 if goes_on else 3) == (found.position if found else None)
    publish(ExportPlace(f"file://{nas}"), other)
    assert contents(other) == contents(nas)


@pytest.mark.parametrize("name", ["notes.txt", "prices/year=2024/mine.csv", ".hidden"])
def test_a_place_with_anything_else_is_left_alone(name: str, nas: Path, tmp_path: Path) -> None:
    """Whatever somebody put there; before and after a claim."""
    (nas / name).write_text("mine")
    before = contents(nas)
    with pytest.raises(ForeignObjectError, match=f"got {name} at file://"):
        publish(ExportPlace(f"file://{nas}"), written(tmp_path / "after", AFTER, 2))
    assert before == contents(nas)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("s3://key:pass@bucket/x?sig=pass", "error: got s3://***@bucket/x?*** with a user"),
        ("http://example.com/x", "error: got http://example.com/x with another scheme"),
        ("file:///", "error: got file:/// with another scheme or no place"),
        (
            "file://{here}/mine",
            "error: got BBAS3.csv at file://{here}/mine, want an empty place or an export",
        ),
    ],
)
def test_what_is_no_place_of_an_export_is_exit_3(out: str, message: str, copy: Path) -> None:
    """One line without what a URL hides, and nothing is written."""
    (copy / "mine").mkdir()
    (copy / "mine" / "BBAS3.csv").write_text("date\n")
    before = contents(copy / "mine")
    done = export("--out", out.format(here=copy), "--format", "csv", cwd=copy, code=3)
    assert done.err.startswith(message.format(here=copy))
    assert "pass" not in done.err + done.out
    assert before == contents(copy / "mine")


def test_what_cannot_be_exported_leaves_the_place_as_it_was(copy: Path, tmp_path: Path) -> None:
    """A ticker that is not held, over an export that is there."""
    url, nas = f"file://{tmp_path}/nas", tmp_path / "nas"
    export("--out", url, "--format", "csv", cwd=copy)
    before = contents(nas)
    export("--out", url, "--format", "csv", "--ticker", "XXXX3", cwd=copy, code=3)
    assert before == contents(nas)


class StoredExport:
    """The objects of an export at a server of S3, with their versions."""

    def __init__(self, server: ObjectServer, bucket: str, path: str) -> None:
        self.server, self.bucket, self.path = server, bucket, path
        self.url = f"s3://{bucket}/{path}"

    def contents(self, folder: Path) -> dict[str, bytes]:
        """Return what is there of the files that are in `folder`, and of no others."""
        place = ExportPlace(self.url)
        assert {*contents(folder)} == {one.name for one in place.objects()}
        return {name: b"".join(place.read(name)) for name in contents(folder)}

    def written(self) -> str:
        """Return when each object was written last."""
        _, listed = self.server.ask("GET", f"/{self.bucket}?versions&prefix={self.path}/")
        return listed.decode()


@pytest.mark.parametrize("bucket", ["prices", "locked"])
def test_a_server_of_s3_has_the_bytes_of_the_folder(
    bucket: str, copy: Path, server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice is once; another export replaces it; a bucket under a lock takes it as well, in versions."""
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    stored = StoredExport(server, bucket, "lake")
    ask = ("--format", "parquet", "--layout", "ticker")
    export("--out", "lake", *ask, cwd=copy)
    export("--out", stored.url, *ask, cwd=copy, server=server)
    assert contents(copy / "lake") == stored.contents(copy / "lake")
    before = stored.written()
    export("--out", stored.url, *ask, cwd=copy, server=server)
    assert before == stored.written()
    export("--out", "lake", *ask, "--ticker", "PETR4", cwd=copy)
    export("--out", stored.url, *ask, "--ticker", "PETR4", cwd=copy, server=server)
    assert contents(copy / "lake") == stored.contents(copy / "lake")


def test_a_large_file_goes_to_a_server_in_parts(
    tmp_path: Path, server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the checksum that a locked bucket asks for, over one that was smaller."""
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    place = ExportPlace("s3://locked/large")
    for size in (1_000, 20_000_000):
        folder = written(tmp_path / str(size), {"prices/year=2025/prices.csv": bytes(range(250)) * (size // 250)})
        publish(place, folder)
        assert (folder / "prices/year=2025/prices.csv").read_bytes() == b"".join(
            place.read("prices/year=2025/prices.csv")
        )


def test_two_at_once_at_a_server_do_not_mix(
    tmp_path: Path, server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first finds the place another's after it wrote there: it makes it its own, whole, as one that began later."""
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    place, after = ExportPlace("s3://prices/two"), written(tmp_path / "after", AFTER, 2)
    other = written(tmp_path / "other", BEFORE, 3)
    put_file = ExportPlace.put_file

    def interrupted(*args: Any) -> None:
        monkeypatch.setattr(ExportPlace, "put_file", put_file)
        publish(ExportPlace(place.url), other)
        put_file(*args)

    monkeypatch.setattr("cli.commands.prices.export.published.AT_ONCE", 1)
    monkeypatch.setattr(ExportPlace, "put_file", interrupted)
    publish(place, after)
    found = {one.name: b"".join(place.read(one.name)) for one in place.objects()}
    assert contents(after) == found


def test_what_a_store_refuses_is_one_line_without_its_secrets(copy: Path, server: ObjectServer) -> None:
    """No bucket: exit 2 and a hint."""
    done = export("--out", "s3://nobucket/x", "--format", "csv", cwd=copy, server=server, code=2)
    assert done.err.startswith("error: got no use of s3://nobucket/x")
    assert SECRET not in done.err
    assert 2 == len(done.err.splitlines())


def test_a_store_that_loses_a_file_is_an_error_and_no_manifest(
    nas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As any that it refuses; the next export goes on."""

    def refuse(*_: object) -> None:
        raise StoreError("file:///nas", "no space")

    after = written(tmp_path / "after", AFTER, 2)
    with monkeypatch.context() as patch:
        patch.setattr(ExportPlace, "put_file", refuse)
        with pytest.raises(StoreError):
            publish(ExportPlace(f"file://{nas}"), after)
    assert truth(nas) is None
    publish(ExportPlace(f"file://{nas}"), after)
    assert contents(after) == contents(nas)


def test_a_claim_is_an_exports_to_a_folder_too(nas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed run left at file:// is replaced by an export to its path."""
    with monkeypatch.context() as patch:
        patch.setattr(ExportPlace, "remove", lambda *_: (_ for _ in ()).throw(Kill))
        with pytest.raises(Kill):
            publish(ExportPlace(f"file://{nas}"), written(tmp_path / "after", AFTER, 2))
    with fresh_folder(nas) as folder:
        written(folder, BEFORE)
    assert contents(tmp_path / "before") == contents(nas)
