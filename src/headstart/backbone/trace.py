"""Network in, ordered graph of blocks out: the one mechanism that finds where any backbone can be cut.

``torch.fx`` records the calls between *atoms*: modules whose inside is left alone (a residual block, a
transformer layer, a convolution, whatever says ``is_atom``). Containers, stages, the root and what it merely wraps are looked into; atoms run their own
unchanged code, so dropout, stochastic depth and normalisation obey ``train()`` and ``eval()`` as before.
Tracing takes 10 to 400 ms; exporting with ``torch.export`` takes 1 to 4 s and loses that switch.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from torch import fx, nn

from headstart.base.errors import InputError

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
DROPPING = ("dropout", "droppath", "dropblock", "stochasticdepth")


def trace(network: nn.Module) -> fx.GraphModule:
    """Record one forward pass between atoms; it shares the network's modules and follows ``train()`` and ``eval()``.

    Raises:
        InputError: when the network's own top-level code branches on its input or runs other code while it trains.
    """
    leaf_modules, leaf_functions = _declared_leaves()
    was_training = network.training
    recordings = []
    try:
        for training in (True, False):
            network.train(training)
            recordings.append(_with_defaults(_Tracer(set(atoms(network)), leaf_modules, leaf_functions), network))
    except fx.proxy.TraceError as error:
        raise InputError(f"{type(network).__name__} cannot be cut: its code depends on its input", got=str(error)) from None
    finally:
        network.train(was_training)
    recorded = fx.GraphModule(network, recordings[1])
    _follow_mode(recorded, recordings[0])
    return recorded


def atoms(network: nn.Module) -> Iterator[nn.Module]:
    """Walk down through wrappers, containers and stages and yield what is not looked into."""
    weighty = [child for child in network.children() if has_weights(child)]
    wrapped = weighty[0] if len(weighty) == 1 and not isinstance(network, CONTAINERS) else None
    for child in network.children():
        if not is_atom(child) and (is_looked_into(child) or child is wrapped):
            yield from atoms(child)
        else:
            yield child


def is_atom(module: nn.Module) -> bool:
    """Does this module say itself that its inside is left alone?"""
    return getattr(module, "is_atom", False) is True


def is_looked_into(module: nn.Module) -> bool:
    """Is this a container, or a stage (a module that repeats blocks of one class in a container of its own)?"""
    if isinstance(module, CONTAINERS):
        return True
    repeated = (Counter(type(child) for child in inner.children() if any(child.children())) for inner in module.modules() if isinstance(inner, CONTAINERS))
    return any(count > 1 for counted in repeated for count in counted.values())


def has_weights(module: nn.Module) -> bool:
    """Does this module mix its inputs (a matrix or a kernel), rather than scale, pool or bend them?"""
    return any(parameter.dim() > 1 for parameter in module.parameters())


def drops(module: nn.Module) -> bool:
    """Is this dropout or stochastic depth, which must act in the suffix while that trains?"""
    return any(word in type(module).__name__.lower() for word in DROPPING)


class _Tracer(fx.Tracer):
    def __init__(self, atoms: set[nn.Module], modules: tuple[type[nn.Module], ...], functions: tuple[Callable[..., Any], ...]) -> None:
        super().__init__(autowrap_functions=functions)
        self._atoms, self._modules = atoms, modules

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return m in self._atoms or isinstance(m, self._modules) or super().is_leaf_module(m, module_qualified_name)


def _declared_leaves() -> tuple[tuple[type[nn.Module], ...], tuple[Callable[..., Any], ...]]:
    """What timm itself declares as not to be traced into (padding computed from sizes, for one)."""
    from headstart.backbone.torchvision_repair import import_torchvision

    import_torchvision()
    from timm.models import get_notrace_functions, get_notrace_modules

    return tuple(get_notrace_modules()), tuple(get_notrace_functions())


def _with_defaults(tracer: fx.Tracer, network: nn.Module) -> fx.Graph:
    """Record with every argument but the first at its default (``attn_mask=None``), and drop those arguments."""
    _, *others = inspect.signature(network.forward).parameters.values()
    graph = tracer.trace(network, concrete_args={one.name: one.default for one in others if one.default is not one.empty})
    _, *unused = [node for node in graph.nodes if node.op == "placeholder"]
    for node in unused:
        _erase(graph, node)
    return graph


def _erase(graph: fx.Graph, node: fx.Node) -> None:
    for check in list(node.users):
        _erase(graph, check)
    graph.erase_node(node)


class Mode(nn.Module):
    """Answers whether its network trains; stands where a recording would have frozen ``self.training``."""

    def forward(self) -> bool:
        """Read the switch that ``train()`` and ``eval()`` set."""
        return bool(self.training)


def _follow_mode(evaluating: fx.GraphModule, training: fx.Graph) -> None:
    """Replace every value that is False in one recording and True in the other by the live switch.

    Raises:
        InputError: when the two recordings differ in any other way.
    """
    evaluating.add_submodule("mode", Mode())
    for one, other in zip(evaluating.graph.nodes, training.nodes, strict=False):
        places, names = [*zip(one.args, other.args, strict=False)], [*one.kwargs]
        places += [(one.kwargs[name], other.kwargs.get(name)) for name in names]
        alike = (one.op, str(one.target), len(one.args), names) == (other.op, str(other.target), len(other.args), [*other.kwargs])
        if not alike or not all(_is_switch(*place) or str(place[0]) == str(place[1]) for place in places):  # values of two graphs: the same names
            raise InputError("this network runs other code while it trains, outside its blocks", got=f"{one.format_node()} / {other.format_node()}")
        with evaluating.graph.inserting_before(one):
            live = [evaluating.graph.call_module("mode") if _is_switch(*place) else place[0] for place in places]
        one.args, one.kwargs = tuple(live[: len(one.args)]), dict(zip(names, live[len(one.args) :], strict=True))
    evaluating.recompile()


def _is_switch(evaluating: Any, training: Any) -> bool:
    return evaluating is False and training is True
