"""Facts and wishes in, the first plan out: every value a rule of thumb, with its reason; evidence replaces some of them later."""

from __future__ import annotations

from collections.abc import Collection

from headstart.planning.entrants import starting_order
from headstart.planning.facts import Facts, Wishes
from headstart.planning.plan import Decision, Plan, Source, Value

BYTES_A_MEGABYTE = 1e6
BALANCED_FROM = 3.0  # imbalance from which plain accuracy rewards ignoring the rare class
HEAD_RATE = 1e-3
TEXT_RATE = 5e-5
TEXT_RACE = {"quick": 2, "usual": 3, "thorough": 2}  # times as long: contrastive tuning gains 6 points where a longer race of pictures gains 1
LONGER_FROM = 100  # items that may be learnt from: below, a fold that trained as many steps misled (``Problem.longer``)
TUNE_EPOCHS = {"quick": 4, "usual": 8, "thorough": 16}
RACE_SECONDS = {"quick": 5.0, "usual": 20.0, "thorough": 200.0}
PROPOSALS = {"quick": 0, "usual": 6, "thorough": 24}
VIEWS = {"quick": 0, "usual": 2, "thorough": 4}
RACE_FOLDS = {"quick": 2, "usual": 3, "thorough": 5}
DEAR_PASS_SECONDS = {"quick": 30.0, "usual": 120.0, "thorough": 86_400.0}
SCRATCH_TIMES = {"quick": 1.0, "usual": 1.0, "thorough": 10.0}
SCRATCH_LEAST_SECONDS = {"quick": 10.0, "usual": 120.0, "thorough": 600.0}
SCRATCH_ROUND_SECONDS = {"quick": 2.0, "usual": 20.0, "thorough": 60.0}
DECIDING_ITEMS = 2000
FEW_FOLDS, MANY_FOLDS, FEW_FOLDS_FROM = 3, 5, 1000
ONE_FOLD_FROM = 4000  # items that train or choose: a fifth of them tells 2 points apart by itself
SMALL_TEST, ROUNDS, FEW_ROUNDS = 300, 5, 3
FEW_ROUNDS_SECONDS = 60.0  # budget below which three rounds must do: each ranks and races anew


def first_plan(facts: Facts, wishes: Wishes) -> Plan:
    """Apply the rules to the facts; what the user pinned stands as pinned."""
    return Plan((*_general(facts, wishes), *_candidates(facts, wishes), *_race(facts, wishes), *_tuning(facts, wishes), *_twins(facts, wishes)))


def _or_pinned(name: str, pinned: Value | None, value: Value, unit: str, why: str, source: Source = "rule") -> Decision:
    return Decision(name, value, unit, why, source) if pinned is None else Decision(name, pinned, unit, "you asked for it", "pinned")


def _general(facts: Facts, wishes: Wishes) -> list[Decision]:
    skewed = facts.imbalance >= BALANCED_FROM
    why = f"the commonest class has {facts.imbalance:.1f} times the items of the rarest"
    metric = "balanced_accuracy" if skewed else "accuracy"
    reason = f"{why}: every class should count the same" if skewed else f"{why}: close enough for plain accuracy"
    budget = Decision("budget", wishes.budget_seconds or 0.0, "seconds in all", "you asked for it", "pinned")
    memory = Decision("memory", (wishes.memory_bytes or 0) / BYTES_A_MEGABYTE, "MB that the process may hold", "you asked for it", "pinned")
    return [
        Decision("seed", wishes.seed, "", "every other seed is derived from it", "pinned" if wishes.seed else "rule"),
        *([budget] if wishes.budget_seconds is not None else []),
        *([memory] if wishes.memory_bytes is not None else []),
        Decision("metric", metric, "", reason, "rule"),
        Decision("balance", skewed, "", f"{why}: {'the loss weighs classes, not items' if skewed else 'the loss counts every item once'}", "rule"),
        judged_in(facts.n_test, facts.given, wishes.budget_seconds),
        Decision("precision", wishes.precision, "", _precision_why(wishes), "pinned" if wishes.precision == "float32" else "rule"),
    ]


def judged_in(n_test: int, given: Collection[str], budget_seconds: float | None = None) -> Decision:
    """In how many rounds the answer is judged: one, on held-out test items, or where those would be few, several, on all items in turn.

    Args:
        n_test: Items that the split holds out for a test.
        given: Parts that the data set itself names.
        budget_seconds: As the user pinned them.
    """
    if "test" in given or "validation" in given:
        return Decision("rounds", 1, "rounds", "the data set names its own parts, and they are kept", "rule")
    if n_test >= SMALL_TEST:
        return Decision("rounds", 1, "rounds", f"{n_test} test items are enough for an interval", "rule")
    rounds = FEW_ROUNDS if budget_seconds is not None and budget_seconds < FEW_ROUNDS_SECONDS else ROUNDS
    why = f"{n_test} test items would be too few: instead every item is a test item in one of {rounds} rounds, each of which chooses anew without it"
    return Decision("rounds", rounds, "rounds", why, "rule")


def _effort(wishes: Wishes) -> str:
    """Where a number of seconds comes from that counts as long as there is no budget."""
    return f"effort {wishes.effort}{'' if wishes.budget_seconds is None else ', were there no budget: what is left of that is parted instead'}"


def _precision_why(wishes: Wishes) -> str:
    return "bit-equality was asked for" if wishes.precision == "float32" else "the frozen part runs on this machine's fastest engine; its deviation is measured"


def _candidates(facts: Facts, wishes: Wishes) -> list[Decision]:
    models = f"every subscribed model competes: {len(facts.models)} of them"
    order, why = starting_order(facts)
    return [
        _or_pinned("models", None if wishes.model is None else (wishes.model,), facts.models, "", models),
        Decision(
            "dear_pass_seconds",
            DEAR_PASS_SECONDS[wishes.effort],
            "seconds",
            f"a model whose forward pass takes longer than this, and longer than those of all others together, is not asked; {_effort(wishes)}",
            "rule",
        ),
        _or_pinned("cuts", None if wishes.cut is None else (wishes.cut,), order, "", why),
    ]


def _race(facts: Facts, wishes: Wishes) -> list[Decision]:
    effort = f"effort {wishes.effort}"
    folds = MANY_FOLDS if facts.n_train < FEW_FOLDS_FROM else FEW_FOLDS
    heats, why = RACE_FOLDS[wishes.effort], f"{effort}; a finalist is judged on all of them"
    if {"validation", "test"} <= set(facts.given):  # without a test of its own, the data set's validation part becomes the test
        heats, why = 1, "the data set names its own validation items"
    elif facts.n_pool >= ONE_FOLD_FROM:
        heats, why = 1, f"{facts.n_pool} items: one part of them is enough to choose by"
    seconds = RACE_SECONDS[wishes.effort] * (TEXT_RACE[wishes.effort] if facts.modality == "text" else 1)
    deciding = min(facts.n_validation, DECIDING_ITEMS) if heats == 1 else facts.n_pool
    return [
        Decision("folds", folds, "folds", f"{facts.n_train} training items: few folds waste items, many cost time; for the ranking", "rule"),
        Decision("race_folds", heats, "folds", why, "rule"),
        Decision("deciding_items", deciding, "items", "those that validation looks at; more than 2,000 would only cost time", "rule"),
        Decision(
            "race_seconds",
            seconds,
            "seconds a round",
            f"{_effort(wishes)}; what does not fit is named",
            "rule",
        ),
        Decision("proposals", PROPOSALS[wishes.effort], "variations", f"{effort}: learning rates and regularisers that a search proposes", "rule"),
        _views(facts, wishes),
    ]


def _views(facts: Facts, wishes: Wishes) -> Decision:
    if not facts.varies:
        return Decision("views", 0, "views", f"no way is known to vary a {facts.modality} that is sure to change no label", "rule")
    return Decision("views", VIEWS[wishes.effort], "views", f"effort {wishes.effort}: varied views of each item, if computing them is cheap", "rule")


def _tuning(facts: Facts, wishes: Wishes) -> list[Decision]:
    arithmetic, reason = _arithmetic(facts, wishes)
    return [
        Decision("order", "linear probe, then fine-tuning", "", "a random head would tear at pretrained features (Kumar et al., 2022)", "rule"),
        _or_pinned("learning_rate", wishes.learning_rate, *_rate(facts)),
        Decision("weight_decay", 0.01, "per unit of rate", "AdamW's default", "rule"),
        Decision("batch_items", 32, "items", "small batches generalise well and fit any memory", "rule"),
        Decision(
            "epochs",
            TUNE_EPOCHS[wishes.effort],
            "epochs",
            f"effort {wishes.effort}; the last one counts; of {LONGER_FROM} items or more each of several folds takes the steps of a fit to all",
            "rule",
        ),
        Decision("patience", 3, "epochs", "stop what stays clearly worse than untrained for so long, behind the middle of the schedule", "rule"),
        Decision("warmup", 0.1, "of the steps", "AdamW's first steps are noisy", "rule"),
        Decision("training_precision", arithmetic, "", reason, "rule"),
    ]


def _arithmetic(facts: Facts, wishes: Wishes) -> tuple[str, str]:
    timed = "a step is timed in both, once per network, cut and machine"
    if wishes.precision != "fast":
        return "float32", "bit-equality was asked for"
    if facts.has_cuda:
        return "float32 or bfloat16 on CUDA, the faster", timed
    return ("float32 or bfloat16, the faster", timed) if facts.has_bfloat16 else ("float32", "the processor has nothing faster")


def _rate(facts: Facts) -> tuple[float, str, str]:
    if facts.modality == "text":
        return TEXT_RATE, "per step", "the highest of those that BERT's authors tried (Devlin et al., 2019, appendix A.3); the race tries others"
    return HEAD_RATE / 10, "per step", f"a tenth of the usual {HEAD_RATE} of a new head"


def _twins(facts: Facts, wishes: Wishes) -> list[Decision]:
    if not wishes.twins:
        return [Decision("twins", False, "", "you asked for it: nobody will know whether transfer helped", "pinned")]
    times, least = SCRATCH_TIMES[wishes.effort], SCRATCH_LEAST_SECONDS[wishes.effort]
    return [
        Decision("twins", True, "", "without the scratch twin and a plain model nobody knows whether transfer helped", "rule"),
        Decision("scratch_times", times, "of the transfer arm's seconds", _effort(wishes), "rule"),
        Decision("scratch_least_seconds", least, "seconds", "below this a network from scratch learns nothing, and beating it proves nothing", "rule"),
        Decision("scratch_round_seconds", SCRATCH_ROUND_SECONDS[wishes.effort], "seconds", "a round in which the twin learns for less is left out", "rule"),
        Decision("scratch_learning_rate", HEAD_RATE, "per step", "random weights bear the full rate", "rule"),
        Decision("plain_model", facts.plain_model, "", "what one would do without any network", "rule"),
        Decision("random_twin", "frozen random network, linear head", "", "tells what the architecture does without pretraining", "rule"),
    ]
