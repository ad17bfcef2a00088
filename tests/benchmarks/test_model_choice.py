"""Regret arithmetic: who is picked, what that loses, what stands in the table when the run is not finished."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
from benchmarks.ledger import Table
from benchmarks.model_choice import EVIDENCE, STEPS, TRUTH, at_home, small_test, summary, write
from benchmarks.model_regrets import complete, mean_truth, picks, random_regrets, regrets, whole_seeds

TRUE = {"birds": {"large": 0.9, "small": 0.8, "odd": 0.5}, "cells": {"large": 0.6, "small": 0.7, "odd": 0.71}}


def row(model: str, prior: float | None, nearest: float) -> dict[str, Any]:
    measured = {"value": nearest, "low": 0.0, "high": 1.0, "n": 10}
    return {"model": model, "prior": prior and {"value": prior}, "nearest": nearest, "logme": -nearest, "h_score": 1.0, "probe": measured}


def evidence(task: str, seed: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "key": {"task": task, "seed": seed, "n_train": 10},
        "values": {"rows": rows, "seconds": 2.0, "cpu": 4.0, "engines_known": {"seconds": 1.0, "cpu": 2.0}, "pick": rows[0]["model"]},
    }


def tuned(task: str, model: str, seed: int, accuracy: float) -> dict[str, Any]:
    values = {
        "accuracy": {"value": accuracy, "low": 0.0, "high": 1.0, "n": 10},
        "head_accuracy": 0.65,
        "train_seconds": 30.0,
        "train_cpu": 20.0,
        "seconds": 40.0,
    }
    return {"key": {"task": task, "model": model, "seed": seed, "n_train": 10, "epochs": 1}, "values": values}


ROWS = [row("small", 0.6, 0.7), row("large", 0.8, 0.6), row("odd", None, 0.9)]
RANKED = [evidence(task, 0, ROWS) for task in TRUE]
TUNED = [tuned(task, model, seed, accuracy) for seed in (0, 1) for task, found in TRUE.items() for model, accuracy in found.items()]


def test_every_way_of_choosing_picks_by_its_own_score() -> None:
    found = {name: pick["birds"][0] for name, pick in picks(RANKED, list(TRUE["birds"])).items()}
    assert found["headstart rank"] == "small" and found["published accuracy alone"] == "large"
    assert found["1-NN"] == "odd" and found["LogME"] == "large"


def test_of_equal_scores_the_one_ranked_higher_is_picked() -> None:
    assert picks(RANKED, list(TRUE["birds"]))["H-score"]["birds"][0] == "small"


def test_a_model_without_a_published_accuracy_is_never_the_priors_pick() -> None:
    assert picks(RANKED, ["odd", "small"])["published accuracy alone"]["cells"][0] == "small"


def test_regret_is_what_the_best_model_has_more_in_points_and_the_mean_over_seeds() -> None:
    assert regrets(TRUE, {"birds": {0: "large"}, "cells": {0: "large", 1: "odd"}}) == {"birds": 0.0, "cells": pytest.approx(5.5)}


def test_a_random_pick_loses_the_mean_distance_from_the_best() -> None:
    assert random_regrets(TRUE)["birds"] == pytest.approx(100 * (0.9 - 2.2 / 3))


def test_truth_is_the_mean_over_seeds() -> None:
    assert mean_truth([tuned("birds", "small", 0, 0.6), tuned("birds", "small", 1, 0.8)]) == {"birds": {"small": pytest.approx(0.7)}}


def test_a_seed_that_misses_a_model_is_left_out_unless_all_do() -> None:
    one = [tuned("birds", "small", 0, 0.6), tuned("birds", "large", 0, 0.7), tuned("birds", "small", 1, 0.8), tuned("cells", "small", 1, 0.5)]
    assert whole_seeds(one) == [*one[:2], one[3]]


def test_the_frozen_network_counts_where_it_is_allowed_and_better() -> None:
    assert mean_truth([tuned("birds", "small", 0, 0.6)], or_head=True) == {"birds": {"small": 0.65}}


def test_a_run_that_is_not_finished_compares_the_models_that_were_tuned_on_the_most_tasks() -> None:
    truth, kept = complete({"birds": {"large": 0.9, "small": 0.8}, "cells": {"large": 0.6}}, ["small", "large", "odd"])
    assert kept == ["large"] and set(truth) == {"birds", "cells"}


def test_the_summary_states_regret_share_and_cost() -> None:
    text = summary(TUNED, RANKED, list(TRUE["birds"]), {})
    assert "| published accuracy alone | 5.50 (0.00 to 11.00) | 11.00 | 2 |" in text
    assert "| headstart rank | 5.50 (1.00 to 10.00) | 10.00 | 2 |" in text
    assert "Our regret is 1.00 of the prior's" in text and "45.0 times cheaper" in text and "30.0 times cheaper" in text


def test_a_card_does_not_make_brute_force_cheap() -> None:
    """100 pictures in batches of 16 are 7 steps an epoch: what a card computed counts as so many steps of the processor that ranked."""
    record = tuned("birds", "small", 0, 0.6)
    record["values"] |= {"device": "cuda"}
    record["key"] |= {"n_train": 100, "epochs": 20}
    steps = {"small": {"step": 2.0, "step_cpu": 1.0}}
    assert at_home(record, steps)["values"]["train_seconds"] == 280 and at_home(record, steps)["values"]["train_cpu"] == 140
    assert at_home(tuned("birds", "small", 0, 0.6), steps)["values"]["train_seconds"] == 30 and at_home(record, {}) == record


def test_without_records_the_tables_say_so(tmp_path: Path) -> None:
    truth, ranked, steps = (Table(one.name, one.title, one.by, one.columns, folder=tmp_path) for one in (TRUTH, EVIDENCE, STEPS))
    given = argparse.Namespace(folder=tmp_path, items=10, epochs=1, rates=[1e-4], models=["small"])
    assert "Nothing measured yet." in write(truth, ranked, steps, given).read_text()


def test_the_ranking_sees_the_whole_train_part_and_a_few_test_pictures(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for name in ("a", "b"):
            (tmp_path / "data" / part / name).mkdir(parents=True)
            for n in range(5):
                (tmp_path / "data" / part / name / f"{n}.png").write_bytes(b"")
    folder = small_test(tmp_path / "data", tmp_path / "small")
    assert len(list((folder / "train").rglob("*.png"))) == 10 and len(list((folder / "test").rglob("*.png"))) == 4
