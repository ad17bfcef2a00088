"""Proposals for the race: what did well so far in, the next settings to try out; a tree-structured Parzen estimator (Optuna) chooses them.

Source: Bergstra et al., Algorithms for Hyper-Parameter Optimization, 2011, section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from headstart.base.seeds import seed_for
from headstart.planning.entrants import Entrant
from headstart.training.race import Result

LOWEST_SHARE = 1 / 30  # of the highest rate that still trains: below it nothing moves in a short training
OTHER_WAYS = frozenset({"contrastive", "lora_rank"})  # of training: they have rates and lengths of their own
N_BASES = 2  # entrants whose settings are varied
CHOICES: dict[str, tuple[float, ...]] = {
    "weight_decay": (0.0, 0.01, 0.1),
    "l2_sp": (0.0, 0.0, 1.0, 10.0),
    "dropout": (0.0, 0.2, 0.5),
    "label_smoothing": (0.0, 0.1),
    "mixup": (0.0, 0.0, 0.2),
}
DEEP_CHOICES: dict[str, tuple[float, ...]] = {"rate_decay": (1.0, 0.7, 0.5), "unfreeze": (0.0, 0.5)}  # with one block there is nothing to tell apart


@dataclass
class Search:
    """Asks for variations of the entrants that did best on the first fold.

    Attributes:
        n: How many proposals at most.
        fits: Does the whole race, later folds and a refit counted, keep within its time with further entrants of which a fold takes so many seconds each?
        highest_rate: The highest learning rate that trains an entrant, by the range test.
        views: How many varied views of each item there are to choose.
        mixes: May items be mixed in pairs? Two pictures make a picture; two texts make other words in one place and half a mask in another.
        seed: Of the proposals.
    """

    n: int
    fits: Callable[[Sequence[float]], bool]
    highest_rate: Callable[[Entrant], float]
    views: int
    seed: int
    mixes: bool = True
    _study: Any = None
    _trials: list[Any] = field(default_factory=list)
    _bases: list[Entrant] = field(default_factory=list)
    _prices: list[float] = field(default_factory=list)

    def ask(self, results: Sequence[Result]) -> Entrant | None:
        """The next proposal; None when there are enough, none can be afforded, or nothing deeper than a head has run."""
        if len(self._trials) >= self.n:
            return None
        if self._study is None:
            self._open(results)
        prices = [*self._prices, max((base.seconds for base in self._bases), default=0.0)]
        if not self._bases or not self.fits(prices):
            return None
        self._prices = prices
        trial = self._study.ask()
        self._trials.append(trial)
        base: Entrant = self._bases[trial.suggest_int("base", 0, len(self._bases) - 1)]
        highest = self.highest_rate(base)
        changes: dict[str, float | bool] = {"learning_rate": highest * trial.suggest_float("rate", LOWEST_SHARE, 1.0, log=True)}
        choices = CHOICES if base.n_blocks == 1 else {**CHOICES, **DEEP_CHOICES}
        for name, values in choices.items():
            if name == "mixup" and not self.mixes:
                continue
            changes[name] = values[trial.suggest_int(name, 0, len(values) - 1)]
        views = self.views * trial.suggest_int("views", 0, 1) if self.views else 0
        return replace(base, changes={**base.changes, **changes}, views=views, source="search")

    def tell(self, result: Result) -> None:
        """Hand a proposal's standing to the estimator; one that had no time counts as failed."""
        from optuna.trial import TrialState

        if result.heats:
            self._study.tell(self._trials[-1], result.standing[0])
        else:
            self._study.tell(self._trials[-1], state=TrialState.FAIL)

    def _open(self, results: Sequence[Result]) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        deeper = sorted(
            (one for one in results if one.heats and not one.entrant.is_linear and not one.entrant.changes.keys() & OTHER_WAYS),
            key=lambda one: one.standing,
            reverse=True,
        )
        self._bases = [one.entrant for one in deeper[:N_BASES]]
        self._study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed_for(self.seed, "search") % 2**32, n_startup_trials=4)
        )
