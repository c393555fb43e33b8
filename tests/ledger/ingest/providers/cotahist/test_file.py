"""A file is read whole or refused by its line, whatever it is called and however it is packed."""

import hashlib
import io
import zipfile
from datetime import date
from pathlib import Path

import pytest

from ledger.errors import CotahistError, UnreadableError
from ledger.ingest.providers.cotahist import file
from ledger.ingest.providers.cotahist.file import BATCH_LINES, Bounds, Text
from ledger.values import Window
from tests.support.cotahist import header, line, quotes, text, trailer, whole

DAYS = [date(2025, 1, 2), date(2025, 1, 3), date(2025, 1, 6)]
QUOTES = [line(day, code) for day in DAYS for code in ("PETR4", "VALE3")]
FILE = text(QUOTES)
LINES = FILE.splitlines(keepends=True)
MADE = date(2025, 12, 31)
BOUNDS = Bounds(bytes(32), file.IMPORT_MAX_BYTES)


def read(content: bytes) -> tuple[list[bytes], Text]:
    """Return the lines of the quotes in `content`, and what is known of it then."""
    known = Text("F.TXT", lambda: io.BytesIO(content), BOUNDS, len(content))
    return [quote for batch in known.batches() for _, quote in batch], known


def read_path(path: Path) -> list[bytes]:
    """Return the lines of the quotes of the file at `path`."""
    with file.opened(path) as known:
        return [quote for batch in known.batches() for _, quote in batch]


def refusal(content: bytes) -> tuple[int | None, str]:
    """Return the line at which `content` is refused, and what was found there."""
    with pytest.raises(CotahistError) as error:
        read(content)
    return error.value.line, error.value.found


def zipped(path: Path, *members: tuple[str, bytes]) -> Path:
    """Return `path`, a ZIP of `members`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_quotes_come_as_they_stand() -> None:
    """With their ends, in their order; the window is that of the whole file."""
    found, known = read(FILE)
    assert (QUOTES, 6, Window(DAYS[0], DAYS[-1])) == (found, known.quotes, known.window)


def test_lines_are_counted_from_the_header() -> None:
    """The first quote stands in line 2."""
    known = Text("F.TXT", lambda: io.BytesIO(FILE), BOUNDS, len(FILE))
    assert [2, 3, 4, 5, 6, 7] == [number for batch in known.batches() for number, _ in batch]


def test_batches_cut_nothing() -> None:
    """One more quote than a batch holds."""
    lines = list(quotes(records=BATCH_LINES + 1, year=2025, seed=1))
    known = Text("F.TXT", lambda: io.BytesIO(text(lines)), BOUNDS, len(text(lines)))
    batches = list(known.batches())
    assert ([BATCH_LINES, 1], lines, 2) == (
        [len(batch) for batch in batches],
        [quote for batch in batches for _, quote in batch],
        known.batches_expected(file.BATCH_LINES),
    )


@pytest.mark.parametrize("count", [6, 8])
def test_the_trailer_may_count_header_and_trailer_or_not(count: int) -> None:
    """Six quotes in eight lines."""
    assert QUOTES == read(b"".join([*LINES[:-1], trailer(2025, MADE, count)]))[0]


@pytest.mark.parametrize("count", [0, 5, 7, 9])
def test_another_count_is_refused(count: int) -> None:
    """Seven too: it counts one of the two."""
    found = (8, f"6 records before a trailer that counts {count}")
    assert found == refusal(b"".join([*LINES[:-1], trailer(2025, MADE, count)]))


def test_a_file_cut_after_any_line_is_refused_there() -> None:
    """Nothing but the trailer tells: each quote is sound."""
    expected = [(kept + 1, "the end") for kept in range(1, len(LINES))]
    assert expected == [refusal(b"".join(LINES[:kept])) for kept in range(1, len(LINES))]


def test_a_file_cut_inside_any_line_is_refused_there() -> None:
    """At its first byte, in the middle, and before its end is whole."""
    for number, kept in enumerate(LINES, 1):
        before = b"".join(LINES[: number - 1])
        for columns in (1, 120, 244):
            assert (number, f"{columns} columns and no line end") == refusal(before + kept[:columns])


def test_a_quote_without_its_end_is_cut_too() -> None:
    """The next line may have gone with it; only the trailer may be the end."""
    assert (7, "245 columns and no line end") == refusal(b"".join(LINES[:-1])[:-2])
    assert QUOTES == read(FILE[:-2])[0]


def test_line_feeds_alone_will_do() -> None:
    """A file that went through an editor."""
    plain = FILE.replace(b"\r\n", b"\n")
    assert plain.splitlines(keepends=True)[1:-1] == read(plain)[0]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([*LINES[:3], line(date(2024, 1, 4)), *LINES[3:]], (4, "a record of 20240104")),
        ([*LINES[:3], LINES[3].replace(b"20250103", b"20250132", 1), *LINES[4:]], (4, "the day '20250132'")),
        ([*LINES[:3], b"02" + LINES[3][2:], *LINES[4:]], (4, "a record of type '02'")),
        ([*LINES[:3], LINES[3][:100] + b"\r\n", *LINES[4:]], (4, "100 columns")),
        ([*LINES[:3], b"\r\n", *LINES[3:]], (4, "0 columns")),
        ([*LINES[:3], LINES[3][:245] + b"  \r\n", *LINES[4:]], (4, "more than 245 columns")),
        ([*LINES[:3], LINES[3].decode().replace("SINTETICA", "SINT\xc9TICA").encode(), *LINES[4:]],
         (4, "more than 245 columns")),
        ([LINES[0], header(2025, MADE), *LINES[1:]], (2, "a record of type '00'")),
        ([*LINES[:-1], trailer(2024, MADE, 6)], (8, "the trailer of COTAHIST.2024BOVESPA 20251231")),
        ([*LINES, LINES[1]], (9, "a line after the trailer")),
        ([*LINES, *LINES], (9, "a line after the trailer")),
        ([*LINES, b"\x1a"], (9, "1 columns and no line end")),
        (LINES[1:], (1, repr(LINES[1][:20].decode()))),
        ([b"x" * 10_000], (1, "more than 245 columns")),
        ([], (1, "''")),
    ],
)  # fmt: skip
def test_a_wrong_or_mixed_file_is_refused_by_its_line(lines: list[bytes], found: tuple[int, str]) -> None:
    """Other years, other types, other lengths, two files in one, no file at all."""
    assert found == refusal(b"".join(lines))


def test_a_refusal_is_one_line() -> None:
    """What was found, where, and what was wanted."""
    with pytest.raises(CotahistError, match=r"^got the end in line 8 of F.TXT, want the trailer 99COTAHIST.AAAA"):
        read(b"".join(LINES[:-1]))


def test_a_file_of_no_quotes_is_whole() -> None:
    """Its window is a day of its year."""
    found, known = read(b"".join(whole([], year=2025)))
    assert ([], Window(date(2025, 1, 1), date(2025, 1, 1))) == (found, known.window)


@pytest.mark.parametrize("name", ["COTAHIST_A2025.TXT", "baixado (1)", "cotahist.zip"])
def test_a_text_is_known_by_its_header(name: str, tmp_path: Path) -> None:
    """Not by its name."""
    (tmp_path / name).write_bytes(FILE)
    assert QUOTES == read_path(tmp_path / name)


@pytest.mark.parametrize("member", ["COTAHIST_A2025.TXT", "COTAHIST.A2025", "pasta/dados", "COTAHIST_D02012025"])
@pytest.mark.parametrize("name", ["A.ZIP", "A.TXT"])
def test_a_zip_is_known_by_its_member_s_header(name: str, member: str, tmp_path: Path) -> None:
    """Whatever the member is called, and whatever lies beside it."""
    path = zipped(tmp_path / name, ("leia-me.txt", b"00COTAHIS"), (member, FILE), ("vazio", b""))
    assert QUOTES == read_path(path)


@pytest.mark.parametrize("count", [0, 2])
def test_a_zip_of_no_or_two_files_is_refused(count: int, tmp_path: Path) -> None:
    """Which one was meant nobody knows."""
    path = zipped(tmp_path / "A.ZIP", ("leia-me", b""), *((f"{n}.TXT", FILE) for n in range(count)))
    with pytest.raises(CotahistError, match=f"got {count} members with a header in A.ZIP, want a ZIP of one"):
        read_path(path)


def test_a_cut_zip_is_refused(tmp_path: Path) -> None:
    """Its directory stands at its end."""
    path = zipped(tmp_path / "A.ZIP", ("A.TXT", FILE))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(CotahistError, match="want a sound ZIP"):
        read_path(path)


def test_a_zip_with_any_byte_of_its_data_changed_is_never_read_as_another_file(tmp_path: Path) -> None:
    """Refused, or the change is one that the quotes do not show."""
    path = zipped(tmp_path / "A.ZIP", ("A.TXT", FILE))
    packed = path.read_bytes()
    for at in range(4, len(packed)):
        path.write_bytes(packed[:at] + bytes([packed[at] ^ 0x10]) + packed[at + 1 :])
        try:
            found = read_path(path)
        except CotahistError:
            continue
        assert QUOTES == found, at


def test_the_hash_is_of_the_file_as_it_lies_on_disk(tmp_path: Path) -> None:
    """What `sha256sum` says, of the ZIP and not of its member."""
    path = zipped(tmp_path / "A.ZIP", ("A.TXT", FILE))
    with file.opened(path) as known:
        assert hashlib.sha256(path.read_bytes()).digest() == known.sha256


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    """One line, with its path."""
    with pytest.raises(UnreadableError, match="No such file"):
        read_path(tmp_path / "none.txt")


def test_what_is_read_is_what_was_hashed_though_the_name_leads_elsewhere_meanwhile(tmp_path: Path) -> None:
    """The file is opened once."""
    path, other = tmp_path / "A.TXT", tmp_path / "B.TXT"
    path.write_bytes(FILE)
    other.write_bytes(text(QUOTES[:1]))
    with file.opened(path) as known:
        other.rename(path)
        assert QUOTES == [quote for batch in known.batches() for _, quote in batch]
    assert hashlib.sha256(FILE).digest() == known.sha256


def test_a_file_that_is_written_to_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """Its hash would be another file's."""
    path = tmp_path / "A.TXT"
    path.write_bytes(FILE)

    def read_while_it_grows() -> None:
        with file.opened(path) as known:
            list(known.batches())
            path.write_bytes(FILE + b"x")

    with pytest.raises(CotahistError, match="a file that changes"):
        read_while_it_grows()


@pytest.mark.parametrize("name", ["A.TXT", "A.ZIP"])
def test_a_file_is_read_within_its_bound(name: str, tmp_path: Path) -> None:
    """Unpacked too; at the bound itself it is read."""
    path = tmp_path / name
    if name == "A.ZIP":
        zipped(path, ("A.TXT", FILE))
    else:
        path.write_bytes(FILE)
    with file.opened(path, limit_bytes=len(FILE)) as known:
        assert QUOTES == [quote for batch in known.batches() for _, quote in batch]
    with (
        pytest.raises(CotahistError, match="at most"),
        file.opened(path, limit_bytes=len(FILE) - 1) as known,
    ):
        list(known.batches())


def test_a_zip_of_too_many_members_is_refused_before_they_are_listed(tmp_path: Path) -> None:
    """By the count in its own end record."""
    path = zipped(tmp_path / "A.ZIP", *((str(number), b"") for number in range(file.MEMBERS_MAX + 1)))
    with pytest.raises(CotahistError, match="at most 1000"), file.opened(path):
        pass


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_that_may_ask_for_any_memory_is_refused(packing: int, tmp_path: Path) -> None:
    """The exchange packs by deflate."""
    path = tmp_path / "A.ZIP"
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("A.TXT", FILE)
    with pytest.raises(CotahistError, match="want deflate or none"), file.opened(path):
        pass
