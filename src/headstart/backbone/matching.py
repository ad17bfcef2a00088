"""Which tensor of a file is which tensor of a network: by name or by order, every shape checked, nothing guessed.

In: a safetensors file and a network's own state. Out: a complete new state and the names that were left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from headstart.base.errors import InputError
from headstart.gallery.card import ModelCard
from headstart.gallery.headers import check_safetensors

Tensors = dict[str, Tensor]
COUNTER = "num_batches_tracked"  # older files lack it, and no frozen or evaluated network reads it
FAULTS_SHOWN = 10


def read(path: Path) -> Tensors:
    """Read a safetensors file, its tensors in the order of the file that it was made from."""
    check_safetensors(path)
    with safe_open(path, framework="pt") as opened:
        names = json.loads((opened.metadata() or {}).get("order", "null")) or sorted(opened.keys())
        return {name: opened.get_tensor(name) for name in names}


def match(
    card: ModelCard, state: Tensors, tensors: Tensors, classifiers: tuple[str, ...], translate: Callable[[Tensors], Tensors] | None = None
) -> tuple[Tensors, tuple[str, ...]]:
    """Fill a network's state from a file.

    Args:
        card: Says whether names or order count, and which tensors to drop.
        state: The network's own state dict.
        tensors: The file's tensors, in order.
        classifiers: First parts of the names of classifier layers, which may be dropped when names count.
        translate: Brings the file's names to the network's.

    Returns:
        The new state, and the names of the file's tensors that are not in it.

    Raises:
        InputError: with a line for each tensor that is missing, unexpected or of another shape.
    """
    dropped = tuple(name for name in tensors if _is_dropped(name, card.drop, classifiers if card.keys == "name" else ()))
    kept = {name: value for name, value in tensors.items() if name not in dropped and not name.endswith(COUNTER)}
    if translate is not None:
        kept = _translated(card, translate, kept)
    wanted = [name for name in state if not name.endswith(COUNTER)]
    pairs = _by_name(card, wanted, kept) if card.keys == "name" else _by_order(card, wanted, kept)
    faults = [
        f"{ours}: the network has {list(state[ours].shape)}, the file {list(kept[theirs].shape)}"
        for ours, theirs in pairs
        if state[ours].shape != kept[theirs].shape
    ]
    if faults:
        raise _mismatch(card, faults)
    return state | {ours: kept[theirs].to(state[ours].dtype) for ours, theirs in pairs}, dropped


def _is_dropped(name: str, patterns: tuple[str, ...], classifiers: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns) or any(name.startswith(f"{classifier}.") for classifier in classifiers)


def _translated(card: ModelCard, translate: Callable[[Tensors], Tensors], tensors: Tensors) -> Tensors:
    try:
        return translate(tensors)
    except KeyError as error:
        raise _mismatch(card, [f"{error.args[0]}: missing in the file"]) from None


def _by_name(card: ModelCard, wanted: list[str], tensors: Tensors) -> list[tuple[str, str]]:
    faults = [f"{name}: missing in the file" for name in wanted if name not in tensors]
    faults += [f"{name}: the network has no such tensor" for name in tensors if name not in set(wanted)]
    if faults:
        raise _mismatch(card, faults)
    return [(name, name) for name in wanted]


def _by_order(card: ModelCard, wanted: list[str], tensors: Tensors) -> list[tuple[str, str]]:
    if len(wanted) != len(tensors):
        raise _mismatch(card, [f"the network has {len(wanted)} tensors, the file {len(tensors)}"])
    return list(zip(wanted, tensors, strict=True))


def _mismatch(card: ModelCard, faults: list[str]) -> InputError:
    more = [f"and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
    fix = f"subscribe again, or another model, if its card is not yours to mend: headstart gallery show {card.name}"
    return InputError(f"the weights of {card.name} do not fit {card.architecture}", details=faults[:FAULTS_SHOWN] + more, fix=fix)
