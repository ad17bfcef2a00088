"""What people get wrong, and the line that mends it: said before data is read or a model opened."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import headstart
from headstart import gallery
from headstart.base.errors import InputError
from headstart.cli.listen import refuse_no_file
from headstart.cli.predictions import give_predictions, one_form
from headstart.study.candidates import models_for
from headstart.study.keyword_sides import kind_of
from headstart.study.predict import Prediction

NOWHERE = "/no/such/data"


@pytest.mark.parametrize(
    ("ask", "what", "fix"),
    [
        (lambda: headstart.fit(NOWHERE, learning_rate=-1), "learning rate", "--learning-rate 0.001, or leave it out"),
        (lambda: headstart.fit(NOWHERE, max_mb=-3), "--max-mb must be above 0", "--max-mb 50, or leave it out"),
        (lambda: headstart.fit(NOWHERE, max_ms=0), "--max-ms must be above 0", "--max-ms 50, or leave it out"),
        (lambda: headstart.plan(NOWHERE, max_ms=0), "--max-ms must be above 0", "--max-ms 50, or leave it out"),
        (lambda: headstart.fit(NOWHERE, out=""), "--out is empty", "--out runs/NAME, or leave it out"),
        (lambda: headstart.fit(NOWHERE, out=Path(__file__)), "--out is a file", f"--out {__file__}-2"),
        (lambda: models_for("text", "efficientnet_lite0"), "efficientnet_lite0 takes pictures, and the data holds texts", "gallery subscribe minilm_l6"),
        (lambda: gallery.subscribe("folder:/nope"), "no such folder", "folder:/path/to/model"),
        (lambda: gallery.subscribe("hf:"), "one of these forms", "headstart gallery subscribe hf:owner/name"),
        (lambda: gallery.remove("nope"), "nope is not subscribed", "headstart gallery list"),
        (lambda: one_form(as_csv=True, as_json=True), "exclude each other", "give one of them"),
        (lambda: refuse_no_file(Path("/no such.wav")), "no such sound file", "ls /"),
        (lambda: refuse_no_file(Path("/")), "this is a folder", "headstart predict RUN /"),
        (lambda: refuse_no_file(Path("/dev/null")), "this is a device", "save it as a file first"),
    ],
)
def test_what_is_wrong_is_said_with_a_line_that_mends_it(ask: Callable[[], object], what: str, fix: str, empty_home: Path) -> None:
    with pytest.raises(InputError) as caught:
        ask()
    assert what in caught.value.what and fix in str(caught.value.fix)


def test_a_wake_word_on_folders_of_other_names_says_which_names_it_needs() -> None:
    with pytest.raises(InputError, match=r"got: yes(?s:.*)fix: name the folders positive/, negative/ and background/"):
        kind_of("yes")


def test_inputs_of_which_none_can_be_read_come_with_the_line_that_shows_the_first(tmp_path: Path) -> None:
    (tmp_path / "a b.csv").touch()
    for source, fix in ((f"{tmp_path}/a b.csv#3", f"ls -l '{tmp_path}/a b.csv'"), (f"{tmp_path}/a b.csv", f"ls -l '{tmp_path}/a b.csv'")):
        with pytest.raises(InputError, match="none of the inputs could be read") as caught:
            give_predictions(Path("my run"), [Prediction(source, "", 0.0, {}, "empty")], as_csv=False, as_json=False)
        assert caught.value.fix == fix
    with pytest.raises(InputError) as caught:
        give_predictions(Path("my run"), [Prediction("\0", "", 0.0, {}, "no text")], as_csv=False, as_json=False)
    assert caught.value.fix == "headstart predict 'my run' INPUT..."


@pytest.mark.parametrize("ask", ["predict('/nope', 'x')", "evaluate('/nope', 'x')", "resume('/nope')", "report('/nope')"])
def test_a_wrong_path_is_answered_without_torch(ask: str, tmp_path: Path) -> None:
    """Torch takes seconds to import, and a slip of the finger deserves an answer at once."""
    lines = f"import sys, headstart\ntry:\n    headstart.{ask}\nexcept headstart.InputError as error:\n    print(error)\n"
    done = subprocess.run([sys.executable, "-c", f"{lines}assert not {{'torch', 'timm'}} & set(sys.modules)"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "fix: headstart runs list" in done.stdout, done.stderr


def test_runs_are_listed_without_torch(tmp_path: Path) -> None:
    lines = "import sys\nfrom headstart.report import list_runs\nassert not {'torch', 'timm'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", lines], cwd=tmp_path).returncode == 0
