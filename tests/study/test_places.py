"""Where runs go: a new folder each time, nothing written over."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from headstart.base.errors import InputError
from headstart.study.places import free_run, new_run

DAY = date(2026, 3, 1)


def test_a_new_run_is_named_after_the_data_and_the_day_and_counted(tmp_path: Path) -> None:
    first = new_run(Path("flowers"), tmp_path, DAY)
    first.mkdir()
    assert [first.name, new_run(Path("flowers"), tmp_path, DAY).name] == ["flowers-2026-03-01-1", "flowers-2026-03-01-2"]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (".", None),
        ("花卉/", "花卉-2026-03-01-1"),
        ("a b/c d.parquet", "c-d-2026-03-01-1"),
        ("x/metadata.csv", "metadata-2026-03-01-1"),
        ("/", "data-2026-03-01-1"),
    ],
)
def test_any_path_gives_a_folder_name(tmp_path: Path, data: str, name: str | None) -> None:
    assert new_run(Path(data), tmp_path, DAY).name == (name or f"{Path.cwd().name}-2026-03-01-1")


def test_a_run_that_was_begun_and_can_go_on_is_not_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "asked.json").write_text("{}")
    with pytest.raises(InputError, match=r"was begun and can go on[^$]*fix: headstart resume "):
        free_run(tmp_path)


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    assert free_run(tmp_path / "new") == tmp_path / "new" and free_run(tmp_path) == tmp_path


@pytest.mark.parametrize("present", [["holiday.jpg"], ["plan.toml", "manifest.json"], ["plan.toml", "thesis.txt"]])
def test_a_folder_that_holds_something_is_refused_with_a_free_name(tmp_path: Path, present: list[str]) -> None:
    for name in present:
        (tmp_path / name).write_text("")
    with pytest.raises(InputError, match="nothing is written over"):
        free_run(tmp_path)


def test_a_file_is_no_run_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="needs a folder"):
        free_run(tmp_path / "file")
