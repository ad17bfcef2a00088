"""Archives are data: what would leave the folder, is no file or is too large stays inside."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from headstart.base.errors import InputError, IntegrityError
from headstart.gallery import archives


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("suffix", ["whl", "tar.gz"])
def test_one_member_comes_out_and_nothing_else(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    archive = (
        zipped(path, **{"p/w.bin": b"weights", "p/x.py": b"boom"})
        if suffix == "whl"
        else tarred(path, (entry("p/x.py"), b"boom"), (entry("p/w.bin"), b"weights"))
    )
    assert archives.extract(archive, "p/w.bin", tmp_path / "out", 7).read_bytes() == b"weights"
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([path.name, "out"])


def test_a_member_that_is_not_there_is_answered_with_near_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"near: p/weights.bin"):
        archives.extract(zipped(tmp_path / "a.zip", **{"p/weights.bin": b"w"}), "p/weight.bin", tmp_path / "out", 9)


def test_a_member_larger_than_expected_is_not_unpacked(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="11 bytes, 10 were expected"):
        archives.extract(zipped(tmp_path / "a.zip", w=b"x" * 11), "w", tmp_path / "out", 10)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../out.txt", "/abs.txt", "a/../../out.txt", "..\\out.txt", "C:/out.txt"])
def test_a_path_that_leaves_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(IntegrityError, match="leaves its folder"):
        archives.unpack(zipped(tmp_path / "a.zip", **{name: b"x"}), tmp_path / "in", lambda _: True)
    assert list((tmp_path / "in").iterdir()) == [] and not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_no_members(kind: bytes, tmp_path: Path) -> None:
    archive = tarred(tmp_path / "a.tar.gz", (entry("w", kind, "/etc/hostname"), b""))
    with pytest.raises(InputError, match="no regular file"):
        archives.extract(archive, "w", tmp_path / "out", 1000)
    assert archives.unpack(archive, tmp_path, lambda _: True) == []


def test_a_link_in_a_zip_is_no_member(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("w")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/hostname")
    with pytest.raises(InputError, match="no regular file"):
        archives.extract(tmp_path / "a.zip", "w", tmp_path / "out", 1000)


def test_the_members_together_may_not_pass_the_limit(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", a=bytes(600), b=bytes(600))
    with pytest.raises(IntegrityError):
        archives.unpack(archive, tmp_path / "in", lambda _: True, limit=1000)


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip", w=bytes(range(256)) * 40)
    content = bytearray(whole.read_bytes())
    content[60:80] = bytes(20)
    whole.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"a\.zip cannot be read"):
        archives.extract(whole, "w", tmp_path / "out", 1 << 20)
    (tmp_path / "b.zip").write_bytes(b"no archive at all")
    with pytest.raises(IntegrityError, match=r"b\.zip cannot be read"):
        archives.extract(tmp_path / "b.zip", "w", tmp_path / "out", 1 << 20)
