"""The table of candidates as a person meets it: 100 columns, the pick marked, ties marked, what was left out named."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from tests.cli.conftest import typed_in

from headstart import gallery
from headstart.base.records import to_plain
from headstart.cli.rank import rank_parts
from headstart.evaluation.intervals import Measured
from headstart.gallery.card import Prior
from headstart.modality import Vocabulary
from headstart.ranking.combine import LeftOut, Ranked, Ranking
from headstart.ranking.relatedness import Relatedness

WIDTH = 100
NEAR, UNKNOWN = Relatedness("natural images (1,281,167)", 0.38, "near"), Relatedness("saliency", None, "unknown")
HALF_WAY = replace(NEAR, distance=0.77, words="some way off")


def row(model: str, value: float, licence: str, related: Relatedness, *, prior: float | None, middle: float | None = None, tied: bool = False) -> Ranked:
    probe = Measured(value, value - 0.05, value + 0.05, 480)
    at_middle = None if middle is None else Measured(middle, middle - 0.05, middle + 0.05, 480)
    published = None if prior is None else Prior(prior, "ImageNet-1k top-1", "a paper")
    known = (model, model.title(), published, licence, "free", 18_826_032, 12.34, 3_371_008, 0.7, 0.6, probe, at_middle, -0.513, 0.1, 8.5, 6.4)
    return Ranked(*known, related, probe, 2.0, tied=tied, chosen=model == "efficientnet_lite2", why="")


ROWS = (
    row("efficientnet_lite2", 0.82, "Apache-2.0", NEAR, prior=0.776),
    row("resnet50_thin", 0.80, "BSD-2-Clause AND Apache-2.0 AND MIT", HALF_WAY, prior=None, tied=True),
    row("vit_s14_focus", 0.70, "MIT", UNKNOWN, prior=None, middle=0.75),
)
RANKING = Ranking(ROWS, "efficientnet_lite2", "efficientnet_lite2", "Because", "balanced_accuracy", (LeftOut("vgg16_edges", "--max-mb: too large"),))


def shown(ranking: Ranking, width: int = WIDTH) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    for part in rank_parts(ranking, Path("my data")):
        console.print(part)
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_no_number_and_no_name_is_broken_in_a_hundred_columns() -> None:
    lines = shown(RANKING)
    assert all("..." not in line and "…" not in line for line in lines) and max(map(len, lines)) <= WIDTH
    head, first, second = lines[1], lines[2], lines[3]
    assert not any(line in ("%", "label", "better") for line in lines)  # no line of the legend runs over
    assert all(name in head for name in ("published", "1-NN", "probe", "LogME", "source", "licence", "MB", "ms", "expected"))
    assert first.startswith("► efficientnet_lite2") and all(part in first for part in ("77.6", "82.0", "0.38 near", "Apache-2.0", " 19 ", "82.0 (77 to 87)"))
    assert second.startswith("= resnet50_thin") and "–" in second and "80.0 (75 to 85)" in second


def test_a_narrow_screen_shows_fewer_columns_and_names_the_others() -> None:
    lines = shown(RANKING, 60)
    assert lines[2].startswith("► efficientnet_lite2") and lines[2].endswith("82.0 (77 to 87)") and " 19 " in lines[2]
    assert any("too narrow for:" in line and "licence" in line for line in lines) and "licence" not in lines[1]


def test_the_line_that_goes_on_names_the_data_as_a_shell_takes_it() -> None:
    assert shown(RANKING)[-1] == "go on: headstart fit 'my data' --model efficientnet_lite2"


def test_a_better_middle_is_marked_and_explained_and_only_then() -> None:
    assert any("75.0m" in line for line in shown(RANKING)) and any("m: at its middle" in line for line in shown(RANKING))
    assert not any("at its middle" in line for line in shown(replace(RANKING, rows=ROWS[:2])))


def test_the_reason_the_prior_pick_and_what_was_left_out_follow_the_table() -> None:
    lines = shown(RANKING)
    order = [lines.index(one) for one in ("Because.", "by published accuracy alone: efficientnet_lite2, the same", "Left out")]
    assert order == sorted(order) and any(line.startswith("vgg16_edges  --max-mb") for line in lines)
    assert "by published accuracy alone: other" in shown(replace(RANKING, prior_pick="other"))
    assert not any("by published accuracy alone" in line for line in shown(replace(RANKING, prior_pick=None)))


def test_how_far_a_text_network_lies_is_told_in_tokens_a_word() -> None:
    texts = replace(ROWS[0], relatedness=Relatedness("English sentences", None, "some way off", Vocabulary(1.62, 0.0)))
    lines = shown(replace(RANKING, rows=(texts,)))
    assert any("1.62" in line for line in lines) and any("in tokens that one of your words takes" in line for line in lines)


def test_a_ranking_is_one_json_object() -> None:
    assert json.loads(json.dumps(to_plain(RANKING)))["rows"][2]["probe_middle"]["value"] == 0.75


def test_without_a_model_the_verb_says_how_to_get_one(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(tmp_path / "data" / name / f"{number}.png")
    done = typed_in(tmp_path, tmp_path / "home")("rank", "data", "--json")
    assert done.returncode == 2 and gallery.DEFAULT in done.stdout + done.stderr and "subscribe" in done.stdout + done.stderr
    refused = typed_in(tmp_path, tmp_path / "home")("rank", "data", "--max-mb", "-1")
    assert refused.returncode == 2 and "--max-mb must be above 0" in refused.stderr
