"""Card and verified weights in, network out: a module from prepared items (pixels, tokens) to pooled features.

In: a ModelCard and the safetensors file of ``gallery.weights``. Out: ``Network``, in eval mode, float32, no classifier, traceable by torch.fx.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from headstart.backbone.matching import Tensors, match, read
from headstart.backbone.torchvision_repair import import_torchvision
from headstart.base.errors import InputError
from headstart.base.seeds import seed_for
from headstart.gallery import text_config
from headstart.gallery.card import InputRecipe, ModelCard, TextInput

# torchvision's families whose features need nothing but pooling; the others have activations or norms in their classifiers
SCALES = ("gamma", "layer_scale", "skipinit_gain")  # of a branch, as transformers, ConvNeXt and networks without normalisation call it
POOLED_FAMILIES = ("alexnet", "efficientnet", "mobilenet_v2", "squeezenet", "vgg")
ENDING_IN_FC = ("googlenet", "inception", "regnet", "resnet", "resnext", "shufflenet", "wide_resnet")


class Normalise(nn.Module):
    """Pixels in 0..1 to what the weights expect: minus mean, by standard deviation, colour by colour."""

    mean: Tensor
    scale: Tensor

    def __init__(self, recipe: InputRecipe) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(recipe.mean, dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("scale", 1 / torch.tensor(recipe.std, dtype=torch.float32).view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (n, 3, size, size), floats in 0..1 or bytes in 0..255, to the same shape, normalised."""
        if x.dtype == torch.uint8:
            x = x.float() / 255
        return (x - self.mean) * self.scale


class Network(nn.Module):
    """A pretrained network without its classifier.

    Attributes:
        normalise: From prepared items: from pixels in 0..1; tokens and samples stay as they are.
        net: From normalised items to features (n, d).
        dropped: Tensors of the weight file that belong to no part of it, such as the classifier; empty for fresh weights.
    """

    def __init__(self, normalise: nn.Module, net: nn.Module) -> None:
        super().__init__()
        self.normalise = normalise
        self.net = net
        self.dropped: tuple[str, ...] = ()

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (n, 3, size, size) in 0..1, tokens (n, L) or samples (n, s), to features (n, d)."""
        features: Tensor = self.net(self.normalise(x))
        return features


@dataclass(frozen=True)
class _Plan:
    """How one architecture is made and which tensors of a file are its classifier's."""

    make: Callable[[], nn.Module]
    classifiers: tuple[str, ...] = ()
    translate: Callable[[Tensors], Tensors] | None = None
    draw: Callable[[Any], object] | None = None  # gives it fresh weights, where it is not made with such
    filled: Callable[[Any], object] | None = None  # what is done with it once it holds published weights


def build(card: ModelCard, weights: Path | None, *, seed: int = 0) -> Network:
    """Build the network of a card.

    Args:
        card: Says which network, which input and how the file's tensors are named.
        weights: The verified safetensors file; None for fresh random weights.
        seed: Seed of the fresh weights; those of different seeds differ, those of one seed are equal.

    Returns:
        The network in eval mode; pictures (n, 3, size, size) in 0..1, tokens (n, L) or samples (n, s), to features (n, d).

    Raises:
        InputError: when there is no such architecture, or the file lacks tensors, has others, or has other shapes; all faults at once.
    """
    plan = _plan(card)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(seed, "network"))
        network = Network(Normalise(card.input) if isinstance(card.input, InputRecipe) else nn.Identity(), plan.make())
        if weights is None and plan.draw is not None:
            plan.draw(network.net)
    if weights is not None:
        _fill(network, card, plan, read(weights))
    network.float().eval()
    return network


def _fill(network: Network, card: ModelCard, plan: _Plan, tensors: Tensors) -> None:
    state, network.dropped = match(card, network.net.state_dict(), tensors, plan.classifiers, plan.translate)
    if isinstance(card.input, InputRecipe) and card.input.channels == "BGR":
        first = next(name for name, value in state.items() if value.ndim == 4)
        state[first] = state[first].flip(1)
    network.net.load_state_dict(state, strict=True)
    if plan.filled is not None:
        plan.filled(network.net)


def _plan(card: ModelCard) -> _Plan:
    maker, _, name = card.architecture.partition(":")
    plans: dict[str, Callable[[str, ModelCard], _Plan]] = {"timm": _timm, "torchvision": _torchvision, "transformers": _transformers, "headstart": _own}
    return plans[maker](name, card)


def _timm(name: str, card: ModelCard) -> _Plan:
    import_torchvision()
    import timm

    try:
        facts: Any = timm.get_pretrained_cfg(name)
        known = facts is not None and timm.is_model(name)
    except (RuntimeError, ValueError):
        known = False
    if not known:
        raise InputError(f"{card.name}: timm has no such architecture", got=name, allowed=timm.list_models(f"*{name[:4]}*"))
    if not isinstance(card.input, InputRecipe):
        raise InputError(f"{card.name}: timm's networks take pictures", got=type(card.input).__name__)
    resized = facts.fixed_input_size and facts.input_size[-1] != card.input.size
    options = {"img_size": card.input.size} if resized else {}
    classifier = facts.classifier or ()
    classifiers = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    return _Plan(lambda: timm.create_model(name, pretrained=False, num_classes=0, **options), classifiers, draw=_with_open_branches)


def _torchvision(name: str, card: ModelCard) -> _Plan:
    models = import_torchvision().models
    if name not in models.list_models(module=models) or not name.startswith(POOLED_FAMILIES + ENDING_IN_FC):
        choices = [one for one in models.list_models(module=models) if one.startswith(POOLED_FAMILIES + ENDING_IN_FC)]
        raise InputError(
            f"{card.name}: torchvision has no such architecture, or its features need more than pooling", got=name, allowed=choices, fix="use timm:NAME"
        )
    return _Plan(lambda: _without_classifier(models, name), ("classifier", "fc", "AuxLogits", "aux1", "aux2"), draw=_with_loud_groups)


def _with_loud_groups(network: nn.Module) -> None:
    """Give convolutions in groups the spread of He et al., 2015, equation 10, of what a group adds up: torchvision takes the whole layer for it.

    So MobileNetV2 of fresh weights said 1e-9 of every picture, which is 0 as a half: its frozen random twin knew nothing, and any transfer beat it.
    """
    _with_open_branches(network)
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.Conv2d) and part.groups > 1:
                part.weight *= math.sqrt(part.groups)


def _with_open_branches(network: nn.Module) -> None:
    """Let the branches of a fresh network count: many begin at 0 or nearly so, which is a good start of a long training.

    Frozen, such a network hears a picture through its shortcuts alone: ResNet-18 of fresh weights told digits at 70 % so, and at 93 with open branches.
    """
    for name, value in network.named_parameters():
        last = name.rpartition(".")[2]
        if any(word in last for word in SCALES) or (last == "weight" and value.dim() == 1 and not value.any()):
            nn.init.ones_(value)


def _without_classifier(models: Any, name: str) -> nn.Module:
    options = {"init_weights": True, "aux_logits": False} if name.startswith(("googlenet", "inception")) else {}
    network: nn.Module = models.get_model(name, weights=None, **options)
    if name.startswith(POOLED_FAMILIES):
        return nn.Sequential(OrderedDict(features=network.features, pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten()))
    network.fc = nn.Identity()
    return network


def _transformers(name: str, card: ModelCard) -> _Plan:
    from headstart.backbone.networks import text
    from headstart.backbone.networks.text_names import to_ours

    if not isinstance(card.input, TextInput):
        raise InputError(f"{card.name}: networks of the transformers library take texts", got=type(card.input).__name__)
    pooling, values = card.input.pooling, text_config.checked(name, card.network)
    family = text.family(name)

    def make() -> nn.Module:
        try:
            return family.make(values, pooling)
        except (ValueError, KeyError, RuntimeError) as error:
            raise InputError(f"{card.name}: no {name} has these sizes", got=(str(error).splitlines() or [type(error).__name__])[0]) from None

    spread = float(values.get("initializer_range", text.SPREAD))
    return _Plan(
        make,
        translate=lambda tensors: to_ours(name, family, values, card.format, tensors),
        draw=lambda network: text.draw(network, spread),
        filled=text.keep_table,
    )


def _own(name: str, card: ModelCard) -> _Plan:
    from headstart.backbone.networks import word_vectors
    from headstart.backbone.networks.resnet50_thin import resnet50_thin
    from headstart.backbone.networks.sounds import SOUNDS, TRANSLATORS
    from headstart.backbone.networks.vgg16_edges import vgg16_edges
    from headstart.backbone.networks.vit_s14_focus import translate, vit_s14_focus

    plans = {
        "resnet50_thin": _Plan(resnet50_thin),
        "vgg16_edges": _Plan(vgg16_edges),
        "vit_s14_focus": _Plan(vit_s14_focus, translate=translate, draw=_with_open_branches),
    }
    plans |= {sound: _Plan(make, translate=TRANSLATORS.get(sound)) for sound, make in SOUNDS.items()}
    if isinstance(card.input, TextInput):
        pooling = card.input.pooling
        plans["word_vectors"] = _Plan(lambda: word_vectors.word_vectors(card.network, pooling), translate=word_vectors.translate)
    if name not in plans:
        raise InputError(f"{card.name}: headstart has no such network of its own", got=name, allowed=plans)
    return plans[name]
