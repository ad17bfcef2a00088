"""One training step: a batch and the share of the training that is done in, new weights and the batch's loss out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from headstart.base.seeds import seed_for
from headstart.training.arithmetic import autocast, device_of
from headstart.training.contrastive import supervised_contrastive
from headstart.training.network import Classifier
from headstart.training.settings import Settings, joins_at, rate_factor

IMAGE_AXES = 4  # items, channels, rows, columns


class Stepper:
    """AdamW over what trains, with the regularisers and the schedule that the settings ask for."""

    def __init__(self, classifier: Classifier, settings: Settings, *, class_weights: NDArray[np.float32] | None = None, seed: int = 0) -> None:
        """Take the classifier as it is: its weights now are those that L2-SP pulls back to."""
        self.classifier, self.settings = classifier, settings
        self.device = device_of(settings.precision)
        self._weights = None if class_weights is None else torch.from_numpy(class_weights).to(self.device)
        self.mixing = np.random.default_rng(seed_for(seed, "mixup"))
        trained = [(name, parameter) for name, parameter in classifier.named_parameters() if parameter.requires_grad]
        by_distance: dict[int, list[Tensor]] = {}
        for name, parameter in trained:
            by_distance.setdefault(classifier.distance(name), []).append(parameter)
        self._farthest = max(by_distance)
        groups = [
            {"params": parameters, "distance": distance, "weight_decay": settings.weight_decay if not (settings.l2_sp and distance) else 0.0}
            for distance, parameters in sorted(by_distance.items())
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=settings.learning_rate)
        self._start = {distance: [one.detach().clone() for one in by_distance[distance]] for distance in by_distance if settings.l2_sp and distance}

    def __call__(self, crossing: tuple[Tensor, ...], labels: NDArray[np.int64], done: float) -> float:
        """Take one step when a share ``done`` of the training is done; return the batch's loss."""
        self._schedule(done)
        self.classifier.train()
        self.optimiser.zero_grad(set_to_none=True)
        told = 0.0
        for loss in self._losses(laid_out(crossing, self.settings), torch.from_numpy(labels).to(self.device)):
            loss.backward()
            told += float(loss.detach())
        self.optimiser.step()
        self._pull_back()
        return told

    def release(self) -> None:
        """Let every block train again: gradual unfreezing may have ended before all had joined."""
        for group in self.optimiser.param_groups:
            for parameter in group["params"]:
                parameter.requires_grad_(True)

    def moments(self) -> dict[str, Tensor]:
        """What the optimiser remembers of every parameter that has trained: ``0.exp_avg``, by the parameter's place."""
        state = self.optimiser.state
        return {f"{place}.{name}": value for place, one in enumerate(self._parameters()) for name, value in state.get(one, {}).items()}

    def take_moments(self, kept: dict[str, Tensor]) -> None:
        """Give the optimiser its memory back, each value in the layout of its parameter."""
        parameters = self._parameters()
        for name, value in kept.items():
            place, _, moment = name.partition(".")
            parameter = parameters[int(place)]
            self.optimiser.state[parameter][moment] = torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value

    def _parameters(self) -> list[Tensor]:
        return [parameter for group in self.optimiser.param_groups for parameter in group["params"]]

    def _schedule(self, done: float) -> None:
        settings = self.settings
        for group in self.optimiser.param_groups:
            joined = done >= joins_at(group["distance"], self._farthest, settings.unfreeze)
            rate = settings.learning_rate * rate_factor(done, settings.warmup_fraction) * settings.rate_decay ** max(0, group["distance"] - 1)
            group["lr"] = rate if joined else 0.0
            for parameter in group["params"]:
                parameter.requires_grad_(joined)

    def _losses(self, crossing: tuple[Tensor, ...], labels: Tensor) -> Iterator[Tensor]:
        """The batch's loss, or parts that add up to it, each made when the one before has gone back through the network."""
        settings, others, share = self.settings, labels, 1.0
        if settings.contrastive:
            with autocast(settings.precision):
                features = self.classifier.features(*crossing)
            yield supervised_contrastive(features, labels, settings.contrastive)
            return
        if settings.mixup and len(labels) > 1:
            share = float(self.mixing.beta(settings.mixup, settings.mixup))
            order = torch.from_numpy(self.mixing.permutation(len(labels))).to(self.device)
            crossing = tuple(_mixed(tensor, order, share) for tensor in crossing)
            others = labels[order]
        for part in parts(len(labels), settings.at_once or len(labels)):
            with autocast(settings.precision):
                logits = self.classifier(*(tensor[part] for tensor in crossing), dropout=settings.dropout).float()
            loss = self._cross_entropy(logits, labels, part)
            yield loss if others is labels else share * loss + (1 - share) * self._cross_entropy(logits, others, part)

    def _cross_entropy(self, logits: Tensor, labels: Tensor, part: slice) -> Tensor:
        """The mean over a part of a batch, times the part's weight in the mean over all of it."""
        loss = functional.cross_entropy(logits, labels[part], self._weights, label_smoothing=self.settings.label_smoothing)
        if len(logits) == len(labels):
            return loss
        weights = torch.ones(len(labels), device=labels.device) if self._weights is None else self._weights[labels]
        return loss * (weights[part].sum() / weights.sum())

    @torch.no_grad()
    def _pull_back(self) -> None:
        """L2-SP as AdamW decays: apart from the gradient, at the group's own rate."""
        for group in self.optimiser.param_groups:
            start = self._start.get(group["distance"])
            if start and group["lr"]:
                torch._foreach_lerp_(group["params"], start, min(1.0, float(group["lr"]) * self.settings.l2_sp))


def parts(n: int, size: int) -> list[slice]:
    """A batch of n items, at most ``size`` at a time; a single item that would be left joins the part before it.

    Example:
        >>> parts(5, 2)
        [slice(0, 2, None), slice(2, 5, None)]
    """
    begins = [begin for begin in range(0, n, size) if begin == 0 or size == 1 or n - begin > 1]
    return [slice(begin, end) for begin, end in zip(begins, [*begins[1:], n], strict=True)]


def _mixed(tensor: Tensor, order: Tensor, share: float) -> Tensor:
    """Each item mixed with another; bytes stay bytes, for a network takes numbers with a point to lie between 0 and 1."""
    mixed = share * tensor.float() + (1 - share) * tensor.float()[order]
    return mixed if tensor.is_floating_point() else mixed.round().to(tensor.dtype)


def lay_out(classifier: Classifier, settings: Settings) -> None:
    """Bring the weights to where steps are taken, in the order of axes that the settings ask for."""
    classifier.to(device_of(settings.precision))
    if settings.channels_last:
        classifier.to(memory_format=torch.channels_last)


def laid_out(crossing: tuple[Tensor, ...], settings: Settings) -> tuple[Tensor, ...]:
    """Bring a batch to where steps are taken, in the order of axes that the settings ask for."""
    device = device_of(settings.precision)
    crossing = tuple(tensor.to(device, non_blocking=True) for tensor in crossing)
    if not settings.channels_last:
        return crossing
    return tuple(tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == IMAGE_AXES else tensor for tensor in crossing)
