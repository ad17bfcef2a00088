"""The verdict: its rule, its choice, its sentence and its JSON."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headstart.base.errors import InputError
from headstart.evaluation import CacheUse, Circumstances, Counts, Cut, Gain, Predictions, Verdict, judge
from headstart.evaluation.sentence import cut_words
from headstart.evaluation.verdict import helped_by

Rights = Callable[..., Predictions]
ABOUT = Circumstances(
    task="classification",
    modality="image",
    model="efficientnet_lite0",
    title="EfficientNet-Lite0",
    cut=Cut("blocks.5", 0.31, 2),
    seconds={"total": 83.0, "activations": 20.0},
    cache=CacheUse(0, 800, 1_000_000),
    n=Counts(480, 160, 160),
    licence="Apache-2.0",
    seed=0,
    scratch_epochs=12,
    scratch_still_improving=True,
)


def first(n_right: int, n: int = 160) -> np.ndarray:
    return np.arange(n) < n_right


def verdict(rights: Rights, transfer: int, scratch: int | None, plain: int | None, validation: dict[str, float] | None = None) -> Verdict:
    arms = {"scratch": scratch, "plain": plain}
    scores = {"transfer": 0.9, **{name: 0.5 for name, right in arms.items() if right is not None}, **(validation or {})}
    others = {name: None if right is None else rights(first(right)) for name, right in arms.items()}
    return judge(transfer=rights(first(transfer)), **others, majority=rights(first(80)), validation=scores, circumstances=ABOUT)


@pytest.mark.parametrize(
    ("low", "high", "helped"),
    [
        (0.1, 5, "yes"),
        (0.1, 0.9, "yes"),
        (0, 5, "cannot tell"),
        (-1, 1, "cannot tell"),
        (-1, 0.9, "no"),
        (-9, -2, "no"),
        (-9, 8, "cannot tell"),
    ],
)
def test_the_rule_of_decision_3(low: float, high: float, helped: str) -> None:
    assert helped_by(Gain((low + high) / 2, low, high)) == helped


def test_a_clear_gain_reads_as_help(rights: Rights) -> None:
    found = verdict(rights, 150, 120, 130)
    assert (found.helped, found.chosen) == ("yes", "transfer")
    line = found.sentence()
    assert line.startswith("Transfer helped: +18.8 points accuracy (95 % ")
    assert " over the same network from scratch in the same time, +12.5 (" in line
    frozen = replace(found, scratch_frozen=True)
    assert " over the same network without its pretraining, +12.5 (" in frozen.sentence() and "与没有预训练的同一网络相比" in frozen.sentence("zh")
    assert line.endswith(") over a plain model. EfficientNet-Lite0, last 2 blocks retrained.")
    assert "\n" not in line


def test_a_gain_that_a_head_on_random_features_has_too_is_not_called_help(rights: Rights) -> None:
    """Found as a bug: "Transfer helped" stood over a twin that had overfitted, beside a frozen random network that was as good as the transfer arm."""
    others = {"scratch": rights(first(120)), "plain": None, "majority": rights(first(80))}
    given = {"transfer": rights(first(150)), **others, "validation": {"transfer": 0.9, "scratch": 0.5}, "circumstances": ABOUT}
    found = judge(**given, random=rights(first(150)))
    assert (found.helped, found.doubt) == ("cannot tell", "random") and found.gain_over_scratch is not None and found.gain_over_scratch.low > 0
    assert " over the same network from scratch in the same time, but 0.0 (−1.9 to 1.9) over a head on its random features" in found.sentence()
    assert "无法判断迁移学习是否有帮助" in found.sentence("zh") and "但与其随机特征上的分类头相比为" in found.sentence("zh")
    assert judge(**given, random=rights(first(100))).helped == "yes"


def test_a_twin_that_hardly_saw_its_items_proves_no_help_where_nothing_stands_beside_it(rights: Rights) -> None:
    """Found as a bug: +56 points over half an epoch, where the same network frozen at random weights was 7 points behind."""
    starved = {"validation": {"transfer": 0.9, "scratch": 0.5}, "circumstances": replace(ABOUT, scratch_epochs=0.5, scratch_rounds=(1, 0))}
    given = {"transfer": rights(first(150)), "scratch": rights(first(60)), "plain": None, "majority": rights(first(80)), **starved}
    found = judge(**given)
    assert (found.helped, found.doubt) == ("cannot tell", "starved") and "which got through its items in 0.5 epochs" in found.sentence()
    assert "只训练了 0.5 轮" in found.sentence("zh")
    assert judge(**given, random=rights(first(100))).helped == "yes"


def test_a_clear_loss_reads_as_no_help_and_names_the_better_plain_model(rights: Rights) -> None:
    found = verdict(rights, 100, 140, 150, {"plain": 0.95})
    assert (found.helped, found.chosen) == ("no", "plain")
    line = found.sentence()
    assert line.startswith("Transfer did not help: −25.0 points accuracy")
    assert "a plain model was better by 31.2 points" in line
    assert line.endswith("You get the plain model: it did better on validation than EfficientNet-Lite0, last 2 blocks retrained.")


def test_a_small_gain_cannot_be_told(rights: Rights) -> None:
    found = verdict(rights, 121, 120, 120)
    assert found.helped == "cannot tell"
    assert found.sentence().startswith("Cannot tell whether transfer helped: +0.6 points accuracy")
    assert "over a plain model, too close to call." in found.sentence()


def test_without_twins_nobody_can_tell_and_the_verdict_says_so(rights: Rights) -> None:
    found = verdict(rights, 150, None, None)
    assert (found.helped, found.chosen) == ("cannot tell", "transfer")
    assert (found.scratch, found.gain_over_scratch, found.gain_over_plain) == (None, None, None)
    assert "it was compared neither with the same network from scratch nor with a plain model; accuracy 93.8 % (95 % " in found.sentence()


def test_with_one_twin_only_the_other_is_named(rights: Rights) -> None:
    without_scratch, without_plain = verdict(rights, 150, None, 100), verdict(rights, 150, 100, None)
    assert without_scratch.helped == "cannot tell"
    assert "it was not compared with the same network from scratch; accuracy 93.8 %" in without_scratch.sentence()
    assert ", +31.2 (" in without_scratch.sentence()
    assert without_plain.helped == "yes"
    assert "; it was not compared with a plain model. " in without_plain.sentence()
    assert "；没有与简单模型比较。" in without_plain.sentence("zh")


def test_the_scratch_twin_is_chosen_when_validation_prefers_it(rights: Rights) -> None:
    found = verdict(rights, 120, 150, 130, {"scratch": 0.99})
    assert found.chosen == "scratch"
    assert "You get the same network from scratch" in found.sentence()


def test_of_equal_validation_scores_transfer_stays(rights: Rights) -> None:
    assert verdict(rights, 120, 120, 120, {"plain": 0.9, "scratch": 0.9}).chosen == "transfer"


def test_test_scores_do_not_choose(rights: Rights) -> None:
    assert verdict(rights, 100, 150, 150).chosen == "transfer"


def test_with_log_loss_the_smaller_validation_score_is_chosen(rights: Rights) -> None:
    good = rights(first(150))
    found = judge(transfer=good, scratch=None, plain=good, majority=None, validation={"transfer": 0.4, "plain": 0.2}, circumstances=ABOUT, metric="log_loss")
    assert found.chosen == "plain"


def test_the_json_has_the_names_of_the_design(rights: Rights) -> None:
    plain = json.loads(json.dumps(verdict(rights, 150, 120, 130).to_plain(), allow_nan=False))
    names = "task modality model cut metric test scratch plain gain_over_scratch gain_over_plain helped chosen seconds cache n licence seed"
    assert set(names.split()) <= set(plain)
    assert {"block", "trainable_share"} <= set(plain["cut"])
    assert set(plain["test"]) == set(plain["plain"]) == {"value", "low", "high", "n"}
    assert set(plain["gain_over_scratch"]) == {"points", "low", "high"}
    assert set(plain["cache"]) == {"hits", "misses", "bytes"}
    assert plain["n"] == {"train": 480, "validation": 160, "test": 160}
    assert plain["seconds"]["total"] == 83.0


@pytest.mark.parametrize("scratch", [120, None])
def test_the_json_gives_back_the_same_verdict(rights: Rights, scratch: int | None) -> None:
    found = verdict(rights, 150, scratch, 130)
    assert Verdict.from_plain(json.loads(json.dumps(found.to_plain()))) == found


def test_a_verdict_with_a_missing_value_is_refused_by_name(rights: Rights) -> None:
    plain = verdict(rights, 150, 120, 130).to_plain()
    del plain["licence"]
    with pytest.raises(InputError, match="licence: missing"):
        Verdict.from_plain(plain)


def test_validation_must_name_the_arms_that_were_trained(rights: Rights) -> None:
    with pytest.raises(InputError, match="one finite score for each arm"):
        verdict(rights, 150, None, 130, {"scratch": 0.5})


@pytest.mark.parametrize(("transfer", "scratch", "opening"), [(150, 120, "迁移学习有帮助"), (100, 140, "迁移学习没有帮助"), (121, 120, "无法判断")])
def test_the_sentence_speaks_chinese(rights: Rights, transfer: int, scratch: int, opening: str) -> None:
    line = verdict(rights, transfer, scratch, 130).sentence("zh")
    assert line.startswith(opening)
    assert "重新训练最后 2 个模块" in line


def test_the_chinese_sentence_without_twins_says_so(rights: Rights) -> None:
    line = verdict(rights, 150, None, None).sentence("zh")
    assert "没有与从零训练的同一网络比较" in line
    assert "没有与简单模型比较" in line


@pytest.mark.parametrize(("n_blocks", "words"), [(0, "only a new head trained"), (1, "last block retrained"), (None, "everything retrained")])
def test_the_cut_is_said_in_words(n_blocks: int | None, words: str) -> None:
    assert cut_words(replace(ABOUT.cut, n_blocks=n_blocks)) == words


def test_a_reason_ends_the_sentence(rights: Rights) -> None:
    good, poor = rights(first(150)), rights(first(100))
    about = replace(ABOUT, why="it led the probe by 4.1 points")
    found = judge(transfer=good, scratch=poor, plain=None, majority=None, validation={"transfer": 0.9, "scratch": 0.7}, circumstances=about)
    assert found.sentence().endswith("last 2 blocks retrained, because it led the probe by 4.1 points.")


def test_a_verdict_that_version_0_1_0_wrote_is_still_read() -> None:
    kept = Path(__file__).parent / "kept" / "verdict-0.1.0.json"
    plain = json.loads(kept.read_text(encoding="utf-8"))
    found = Verdict.from_plain(plain)
    assert (found.random, found.gain_over_random) == (None, None)
    assert found.sentence() == plain["sentence"]


def test_the_random_network_explains_the_gain_and_changes_neither_rule_nor_choice(rights: Rights) -> None:
    good, poor, chance = rights(first(150)), rights(first(120)), rights(first(60))
    about = {"scratch": poor, "plain": None, "majority": None, "validation": {"transfer": 0.9, "scratch": 0.7}, "circumstances": ABOUT}
    without, found = judge(transfer=good, **about), judge(transfer=good, **about, random=chance)
    assert found.random is not None
    assert found.random.value == pytest.approx(60 / 160)
    assert found.gain_over_random is not None
    assert found.gain_over_random.points == pytest.approx(56.25)
    assert replace(found, random=None, gain_over_random=None) == without
    assert found.sentence() == without.sentence()
    assert Verdict.from_plain(json.loads(json.dumps(found.to_plain()))) == found


def test_a_gain_judged_in_rounds_needs_to_be_clearer_than_one_judged_by_one_look(rights: Rights) -> None:
    wins, losses, item = 18, 7, np.arange(160)
    good, poor = rights((item < wins) | (item >= wins + losses)), rights(item >= wins)
    about = {"scratch": poor, "plain": poor, "majority": None, "validation": {"transfer": 0.7, "scratch": 0.6, "plain": 0.6}, "circumstances": ABOUT}
    once, rounds = judge(transfer=good, **about), judge(transfer=good, **about, n_rounds={"scratch": 5})
    assert once.gain_over_scratch is not None and rounds.gain_over_scratch is not None
    assert once.gain_over_scratch.low > rounds.gain_over_scratch.low
    assert rounds.gain_over_plain == once.gain_over_plain
    assert (once.helped, rounds.helped) == ("yes", "cannot tell")
