"""Archives as data sets: unpacked once per content outside the repository, whole or absent, and never when a rule is broken."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headstart.base import folders
from headstart.base.errors import InputError
from headstart.data import load
from headstart.data.unpacked import unpacked

Make = Callable[..., Path]


def packed(folder: Path, archive_format: str) -> Path:
    return Path(shutil.make_archive(str(folder.parent / "packed" / folder.name), archive_format, folder.parent, folder.name))


@pytest.mark.parametrize("archive_format", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_an_archive_is_the_same_data_set_as_its_folder(archive_format: str, flowers: Make) -> None:
    root = flowers(rose=5, 菊=5)
    there, packed_too = load(root), load(packed(root, archive_format))
    assert packed_too.digest == there.digest and packed_too.sources == there.sources and packed_too.classes == there.classes


def test_a_table_with_its_pictures_and_a_table_alone_are_found_in_an_archive(flowers: Make) -> None:
    root = flowers(rose=5, daisy=5)
    rows = [f"{name}/{n}.png,{name}" for name in ("rose", "daisy") for n in range(5)]
    (root / "metadata.csv").write_text("\n".join(["file_name,label", *rows]))
    assert len(load(packed(root, "zip"))) == 10
    with zipfile.ZipFile(root / "alone.zip", "w") as archive:
        archive.writestr("reviews.csv", "text,label\n")
    assert unpacked(root / "alone.zip").name == "reviews.csv"


def test_an_archive_is_unpacked_once_per_content_and_anew_when_something_is_gone(flowers: Make) -> None:
    archive = packed(flowers(rose=4, daisy=4), "zip")
    first = unpacked(archive)
    stamps = {path: path.stat().st_mtime_ns for path in first.rglob("*.png")}
    shutil.copy(archive, moved := archive.with_name("other.zip"))
    assert unpacked(moved) == first and {path: path.stat().st_mtime_ns for path in first.rglob("*.png")} == stamps
    (first / "rose" / "0.png").unlink()
    assert unpacked(archive) == first and (first / "rose" / "0.png").is_file()


def test_several_at_once_unpack_one_folder(flowers: Make) -> None:
    archive = packed(flowers(rose=4, daisy=4), "gztar")
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: unpacked(archive), range(8)))) == 1
    assert [path.name for path in (folders.home() / "unpacked").iterdir() if path.is_dir()] == [unpacked(archive).parent.name]


def test_nothing_is_kept_of_an_archive_that_breaks_a_rule_halfway(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in (("cat/1.png", tarfile.REGTYPE), ("cat/2.png", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "../../secret"
            archive.addfile(info, io.BytesIO())
    with pytest.raises(InputError, match=r"holds a symbolic link: 'cat/2.png'[\s\S]*fix: if you trust it"):
        unpacked(tmp_path / "a.tar")
    assert [path.name for path in (folders.home() / "unpacked").iterdir() if path.suffix != ".lock"] == []


def test_limits_are_raised_by_the_environment_and_named_in_the_refusal(flowers: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = packed(flowers(rose=4, daisy=4), "zip")
    monkeypatch.setenv("HEADSTART_ARCHIVE_MEMBERS", "3")
    with pytest.raises(InputError, match=r"more than 3 members[\s\S]*HEADSTART_ARCHIVE_MEMBERS \(3\)"):
        load(archive)
    monkeypatch.setenv("HEADSTART_ARCHIVE_MEMBERS", "1_000")
    assert len(load(archive)) == 8
    monkeypatch.setenv("HEADSTART_ARCHIVE_BYTES", "plenty")
    with pytest.raises(InputError, match="HEADSTART_ARCHIVE_BYTES is no whole number"):
        load(archive)


@pytest.mark.parametrize("name", ["data.7z", "data.rar", "table.csv.gz"])
def test_what_is_compressed_otherwise_is_refused_with_the_kinds_that_are_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"7z")
    with pytest.raises(InputError, match=r"not read[\s\S]*\.tar\.gz[\s\S]*unpack it"):
        load(tmp_path / name)
