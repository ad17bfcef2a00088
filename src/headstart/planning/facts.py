"""Facts: what the plan's rules look at. Wishes: what the user pinned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headstart.base.errors import InputError
from headstart.planning.memory import Memory

Effort = Literal["quick", "usual", "thorough"]
LEAST_BUDGET_SECONDS = 10.0  # below this not even the imports and one look at the test items fit


@dataclass(frozen=True)
class Wishes:
    """What the user pinned; None leaves it to the rules and the evidence.

    Attributes:
        model: Name of a subscribed card.
        cut: ``head``, ``last``, ``last2``, ``half``, ``all``, a number of frozen blocks or a block's name.
        seed: From which every other seed is derived.
        effort: How long the race, the twins and the candidates may take.
        learning_rate: Peak rate of the fine-tuning.
        precision: ``fast`` (this machine's best engine) or ``float32`` (torch's own numbers).
        twins: Train the scratch twin, the frozen random network and the plain model?
        budget_seconds: Wall-clock seconds in all.
        max_mb: Largest weight file, megabytes.
        max_ms: Slowest network, milliseconds an item.
        licence: Licences that are wanted, separated by commas, or ``permissive``.
        memory_bytes: That the process may hold.
    """

    model: str | None = None
    cut: str | None = None
    seed: int = 0
    effort: Effort = "usual"
    learning_rate: float | None = None
    precision: Literal["fast", "float32"] = "fast"
    twins: bool = True
    budget_seconds: float | None = None
    max_mb: float | None = None
    max_ms: float | None = None
    licence: str | None = None
    memory_bytes: int | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be kept."""
        Memory(self.memory_bytes)
        if self.budget_seconds is not None and self.budget_seconds < LEAST_BUDGET_SECONDS:
            raise InputError(
                "this budget is too short to read the data, fit and judge", got=f"{self.budget_seconds:g} s", fix=f"--budget {LEAST_BUDGET_SECONDS:g}s or more"
            )
        if self.learning_rate is not None and not 0 < self.learning_rate <= 1:
            raise InputError("the learning rate lies above 0 and at most at 1", got=self.learning_rate, fix="--learning-rate 0.001, or leave it out")


@dataclass(frozen=True)
class Facts:
    """What is known before anything is computed.

    Attributes:
        n_train: Items that train.
        n_validation: Items that choose.
        n_test: Items that judge, once.
        classes: Names of the classes.
        smallest_class: Training items of the rarest class.
        imbalance: Items of the commonest class per item of the rarest.
        models: Names of the subscribed candidates.
        has_bfloat16: Does the processor multiply matrices in bfloat16 natively?
        has_cuda: Is there a CUDA card?
        threads: Processor threads.
        given: Parts that the data set itself names: ``train``, ``validation``, ``test``.
        modality: The kind of data.
        varies: Does it know ways to vary an item that change no label?
        plain_model: What describes the model without a network.
    """

    n_train: int
    n_validation: int
    n_test: int
    classes: tuple[str, ...]
    smallest_class: int
    imbalance: float
    models: tuple[str, ...]
    has_bfloat16: bool
    threads: int
    has_cuda: bool = False
    given: tuple[str, ...] = ()
    modality: str = "image"
    varies: bool = True
    plain_model: str = "a linear model on HOG and colours"

    @property
    def n_pool(self) -> int:
        """Items that train or choose."""
        return self.n_train + self.n_validation
