"""The one reader of archives: what the standard library writes comes out the same, and a name that could be two things comes out never."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.nasty.nasty import header, member

from headstart.base import archives
from headstart.base.archives import zipped
from headstart.base.errors import InputError, IntegrityError

PART = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf")), min_size=1, max_size=60)
TREES = st.dictionaries(st.lists(PART, min_size=1, max_size=4).map("/".join), st.binary(max_size=3000), min_size=1, max_size=6)
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def content(path: Path, limits: archives.Limits | None = None) -> dict[str, bytes]:
    with archives.damage(path):
        return {one.name: b"".join(one.chunks()) for one in archives.members(path, limits) if one.is_file}


def tarred(tree: dict[str, bytes], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tar_format) as archive:
        for name, data in tree.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return raw.getvalue()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES, tar_format=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]), compression=st.sampled_from(sorted(COMPRESSIONS)))
def test_what_the_standard_library_put_into_a_tar_comes_out(tree: dict[str, bytes], tar_format: int, compression: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.tar{compression}"
    path.write_bytes(COMPRESSIONS[compression](tarred(tree, tar_format)))
    assert content(path) == {name: data for name, data in tree.items() if not name.endswith("/")}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES, method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
def test_what_the_standard_library_put_into_a_zip_comes_out(tree: dict[str, bytes], method: int, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in tree.items():
            archive.writestr(name, data)
    assert content(path) == {name: data for name, data in tree.items() if not name.endswith("/")}


def test_a_tar_whose_last_member_is_a_zip_is_a_tar(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("hidden.txt", "x")
    (tmp_path / "a.tar").write_bytes(tarred({"a.txt": b"a", "b.zip": inner.getvalue()})[: 512 * 4 + 512])
    assert sorted(content(tmp_path / "a.tar")) == ["a.txt", "b.zip"]


@pytest.mark.parametrize("compression", [".gz", ".bz2", ".xz"])
def test_compressed_pieces_one_after_another_are_one_file_and_zeros_after_them_padding(compression: str, tmp_path: Path) -> None:
    whole, pack = tarred({"a": b"a" * 5000, "b": b"b"}), COMPRESSIONS[compression]
    path = tmp_path / "a.tar"
    path.write_bytes(pack(whole[:700]) + pack(whole[700:]) + bytes(64))
    assert content(path) == {"a": b"a" * 5000, "b": b"b"}


@pytest.mark.parametrize(("names", "raw"), [(["花/一.png", "草/二.png"], "gb18030"), (["花/一.png"], "utf-8")])
def test_names_that_chinese_programs_wrote_without_saying_how_are_read(names: list[str], raw: str, tmp_path: Path) -> None:
    written, path = [name.encode(raw) for name in names], tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(written):
            archive.writestr(f"{number}".rjust(len(name), "x"), b"x")
    whole = path.read_bytes()
    for number, name in enumerate(written):
        whole = whole.replace(f"{number}".rjust(len(name), "x").encode(), name)
    path.write_bytes(whole)
    assert list(content(path)) == names
    if raw == "gb18030":
        info = tarred({"x" * len(written[0]): b"x"}, tarfile.GNU_FORMAT)
        header = bytearray(info.replace(b"x" * len(written[0]), written[0], 1))
        header[148:156] = b"%06o\x00 " % (sum(header[:148]) + sum(header[156:512]) + 256)
        (tmp_path / "b.tar").write_bytes(bytes(header))
        assert list(content(tmp_path / "b.tar")) == names[:1]


def test_each_limit_is_named_where_it_stops(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(tarred({str(n): bytes(1 << 20) for n in range(80)})))
    assert len(content(path, archives.Limits(ratio=2000))) == 80
    for limits, words in [
        (archives.Limits(members=79), "more than 79 members"),
        (archives.Limits(bytes=1 << 20), "larger inside than 1,048,576 bytes"),
        (archives.Limits(ratio=3), "more than 3 times its size"),
    ]:
        with pytest.raises(IntegrityError, match=words):
            content(path, limits)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a", "a"], "two members of one name"),
        (["a.png", "A.PNG"], "two members of one name"),
        (["é", "e\u0301"], "two members of one name"),
        (["Straße/a", "STRASSE/b"], "two folders"),
        (["a", "a/b"], "a file and a folder"),
        (["a/b", "a"], "a file and a folder"),
        (["./a", "a"], "two members of one name"),
    ],
)
def test_two_names_that_some_system_takes_for_one_are_refused(names: list[str], words: str) -> None:
    tree = archives.Tree()
    with pytest.raises(IntegrityError, match=words):
        for name in names:
            tree.admit(name)


@pytest.mark.parametrize("name", ["a/1.png", "./猫/１.png", "a b/c (1).jpeg", "console/auxiliary.txt", "12:30/x", "a/.hidden", "👩‍🔬.png", "a//b"])
def test_usual_names_are_admitted(name: str) -> None:
    assert str(archives.Tree().admit(name)) in (name, name[2:], "a/b")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CON", "reserved"), ("a/aux.png", "reserved"), ("lpt1 .txt", "reserved"), ("trailing. ", "reserved"), ("dot.", "reserved"),
        ("a\x00b", "control"), ("a\nb", "control"), ("a\x1b[2J", "control"), ("a\u202egnp.exe", "control"), ("\udcff", "control"),
        ("x" * 256, "too long"), ("猫" * 86, "too long"), ("/".join("a" * 65), "too long or too deep"), ("a/" * 1200, "too long"),
        ("", "is empty"), (".", "is empty"), ("//server/share", "leaves"), ("\\\\server\\share", "leaves"), ("c:x", "leaves"), ("a/..", "leaves"),
    ],
)  # fmt: skip
def test_names_that_are_no_plain_path_are_refused(name: str, words: str) -> None:
    with pytest.raises(IntegrityError, match=words):
        archives.Tree().admit(name)


def test_members_that_are_passed_over_are_skipped_whole_and_a_cut_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(tarred({"a": b"a" * 70_000, "b": b"b"})))
    with archives.damage(path):
        found = {one.name: next(one.chunks()) if one.name == "b" else b"" for one in archives.members(path)}
    assert found == {"a": b"", "b": b"b"}
    path.write_bytes(gzip.compress(tarred({"a": b"a" * 70_000})[:60_000]))
    with pytest.raises(IntegrityError, match="ends in the middle of a member"):
        content(path)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_tar_that_was_cut_off_anywhere_is_refused(compression: str, tmp_path: Path) -> None:
    whole, path = tarred({"a": b"a" * 700, "folder/b": b"b" * 300, "c": b""}), tmp_path / "a.tar"
    end = 6 * 512 + 1024
    for length in (0, 100, 512, 1000, 1024, 1536, 1836, 2048, 2560, 3072, end - 200, end - 512 - 1, end):
        path.write_bytes(COMPRESSIONS[compression](whole[:length]))
        if length < end - 512:
            with pytest.raises(IntegrityError, match=r"cut off|middle|neither a zip nor a tar"):
                content(path)
        else:
            assert sorted(content(path)) == ["a", "c", "folder/b"]


def test_a_damaged_compressed_tar_is_damage_and_no_fault_of_the_disk(tmp_path: Path) -> None:
    raw = bytearray(bz2.compress(tarred({"a": random.Random(0).randbytes(9000)})))
    raw[len(raw) // 2] ^= 0xFF
    (tmp_path / "a.tar.bz2").write_bytes(raw)
    with pytest.raises(IntegrityError, match="cannot be read"):
        content(tmp_path / "a.tar.bz2")


@pytest.mark.parametrize("compression", [".gz", ".bz2", ".xz"])
def test_the_checksum_behind_the_last_member_is_read_wherever_the_member_ends(compression: str, tmp_path: Path) -> None:
    whole, path = tarred({"a": random.Random(0).randbytes((1 << 16) - 1024)}), tmp_path / "a.tar"  # the end's first zeros end a chunk of what comes out
    raw = bytearray(COMPRESSIONS[compression](whole))
    path.write_bytes(raw)
    assert list(content(path)) == ["a"]
    raw[-6] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(IntegrityError, match="cannot be read"):
        content(path)


@pytest.mark.parametrize("comment", [b"", b"x" * 65_535])
def test_a_zip64_record_that_says_more_than_the_directory_that_was_checked_is_refused(comment: bytes, tmp_path: Path) -> None:
    raw, path = io.BytesIO(), tmp_path / "a.zip"
    with zipfile.ZipFile(raw, "w") as archive:
        for n in range(100):
            archive.writestr(f"{n}".zfill(60), b"")
    whole = raw.getvalue()
    end = len(whole) - zipped.END_BYTES
    size, place = struct.unpack("<II", whole[end + 12 : end + 20])
    record = struct.pack("<4sQHHIIQQQQ", zipped.RECORD, 44, 45, 45, 0, 0, 100, 100, size, place)
    locator = struct.pack("<4sIQI", zipped.LOCATOR, 0, end, 1)
    for said in (7, 0xFFFFFFFF):
        last = struct.pack("<4sHHHHIIH", zipped.END, 0, 0, 0xFFFF, 0xFFFF, said, 0xFFFFFFFF, len(comment)) + comment
        path.write_bytes(whole[:end] + record + locator + last)
        assert len(content(path)) == 100
        with pytest.raises(IntegrityError, match="has a directory of 10,600 bytes"):
            content(path, archives.Limits(members=20))


def test_an_archive_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such archive"):
        content(tmp_path / "a.zip")


def test_headers_of_old_programs_are_read(tmp_path: Path) -> None:
    """Version 7 has no magic and folders by a slash; POSIX splits long names; Sun added bytes with their sign."""
    old = header(b"cat/", 0, b"\x00", magic=b"") + member(b"cat/1", b"x").replace(b"ustar\x0000", bytes(8))
    old = old[:512] + header(b"cat/1", 1, b"\x00", magic=b"") + b"x" + bytes(511)
    split = bytearray(header(b"b" * 90, 1))
    split[345:445] = b"a" * 100
    split[148:156] = b"%06o\x00 " % (sum(split) - sum(split[148:156]) + 256)
    signed = bytearray(header("é".encode(), 1))
    high = sum(byte > 127 for byte in signed)
    signed[148:156] = b"%06o\x00 " % (sum(signed) - sum(signed[148:156]) + 256 - 256 * high)
    (tmp_path / "a.tar").write_bytes(old + bytes(split) + b"y" + bytes(511) + bytes(signed) + b"z" + bytes(511) + bytes(1024))
    assert content(tmp_path / "a.tar") == {"cat/1": b"x", "a" * 100 + "/" + "b" * 90: b"y", "é": b"z"}
