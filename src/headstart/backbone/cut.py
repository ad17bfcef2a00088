"""Network in, backbone out: an ordered list of blocks, any of which can be the cut between frozen prefix and suffix.

``backbone.part(0, k)`` is the prefix up to block *k*, ``backbone.part(k, n)`` the suffix; both share the network's own
parameters. Between them crosses a tuple of tensors whose first axis counts the items.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from headstart.backbone.trace import drops, has_weights, trace
from headstart.base.errors import InputError
from headstart.base.hashing import digest

TOKENS_DIM = 2  # axes of a batch of tokens: items, places; whole numbers
PROBE_ITEMS = 2  # one more than one: shows which axis counts the items


@dataclass(frozen=True)
class Block:
    """One block of a backbone.

    Attributes:
        name: The name of its first weighty module, as in the network's state dict: ``blocks.5.2``.
        parameters: Number of parameters in it.
        flops: Floating-point operations for one item, forward.
        shapes: Shape for one item of each tensor that crosses the cut behind this block.
        can_cut: Can the cut lie behind this block (only tensors with an item axis cross, no parameter is shared)?
    """

    name: str
    parameters: int
    flops: int
    shapes: tuple[tuple[int, ...], ...]
    can_cut: bool

    @property
    def values(self) -> int:
        """How many numbers cross behind this block for one item."""
        return sum(int(np.prod(shape)) for shape in self.shapes)


class Backbone:
    """A pretrained network that can be cut behind any of its blocks.

    Example:
        >>> import torch
        >>> network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
        >>> backbone = Backbone(network, torch.rand(2, 4))
        >>> [block.name for block in backbone.blocks]
        ['0', '2']
        >>> x = torch.rand(5, 4)
        >>> torch.equal(backbone.part(1, 2)(*backbone.part(0, 1)(x))[0], network(x))
        True
    """

    def __init__(self, network: nn.Module, example: Tensor, *, identity: str = "") -> None:
        """Trace the network and find its blocks.

        Args:
            network: Any module of one input and one output whose first axis counts the items.
            example: An input of at least one item, shape ``(n, ...)``, to learn shapes and costs from.
            identity: What came before the network and decides its input (the preparation recipe); part of every stage's key.
        """
        self.network = network.eval()
        self.recorded = trace(network)
        self.example = example[:1].repeat(PROBE_ITEMS, *[1] * (example.dim() - 1))
        self._nodes = [node for node in self.recorded.graph.nodes if node.op not in ("placeholder", "output", "get_attr")]
        self._input = next(node for node in self.recorded.graph.nodes if node.op == "placeholder")
        self._output = next(node for node in self.recorded.graph.nodes if node.op == "output").args[0]
        self.varies = self.example.dim() == TOKENS_DIM and not self.example.is_floating_point()
        starts = [n for n, node in enumerate(self._nodes) if self._weighty(node)]
        costs = _Costs(self.recorded).measure(self.example)
        self._shorter = _Costs(self.recorded).measure(self.example[:, :-1]) if self.varies else costs
        self._costs = costs
        self._ends = [*(self._end(start, stop, costs) for start, stop in itertools.pairwise(starts)), len(self._nodes)]
        self.blocks = tuple(self._block(n, self._nodes[start], costs) for n, start in enumerate(starts))
        self.chain = self._chain(identity)

    @property
    def depth(self) -> int:
        """How many blocks there are; a cut of ``depth`` freezes all of them, a cut of 0 none."""
        return len(self.blocks)

    @property
    def cuts(self) -> tuple[int, ...]:
        """Every number of frozen blocks that the network allows, from 0 (all trains) to ``depth`` (head only)."""
        return (0, *(n + 1 for n, block in enumerate(self.blocks) if block.can_cut))

    def trainable_share(self, cut: int) -> float:
        """The fraction of the forward FLOPs that lies behind a cut: *u* of the ceiling (1 + 2u) / (3u)."""
        return sum(block.flops for block in self.blocks[cut:]) / max(1, sum(block.flops for block in self.blocks))

    @property
    def halfway(self) -> int:
        """The cut that parts the FLOPs most evenly."""
        return min(self.cuts, key=lambda cut: abs(self.trainable_share(cut) - 1 / 2))

    def distances(self, cut: int) -> dict[str, int]:
        """How many blocks each parameter behind a cut is away from the head: 1 in the last block."""
        found: dict[str, int] = {}
        for n in range(cut, self.depth):
            for node in self._nodes[self._position(n) : self._position(n + 1)]:
                found |= {name: self.depth - n for name, _ in self._owned(node) if name not in found}
        return found

    def cut_at(self, name: str | int) -> int:
        """Find a cut by what a person writes: ``head``, ``all``, ``half``, ``last``, ``last2``, a number of frozen blocks, or the first block to train.

        Raises:
            InputError: when no such cut exists; the allowed ones are listed.
        """
        names = {"head": self.depth, "last": self.depth - 1, "half": self.halfway, "all": 0}
        names |= {f"last{n}": self.depth - n for n in range(1, self.depth + 1)}
        names |= {block.name: n for n, block in enumerate(self.blocks)}
        names |= {str(n): n for n in range(self.depth + 1) if str(n) not in names}
        cut = names.get(str(name))
        if cut is None or cut not in self.cuts:
            raise InputError("the network cannot be cut there", got=name, allowed=sorted(key for key, n in names.items() if n in self.cuts), fix="--cut head")
        return cut

    def cuts_of(self, names: Sequence[str]) -> dict[str, int]:
        """The cuts of several names, those left out that this network does not allow; a single name must be one.

        Raises:
            InputError: when the single name is no cut.
        """
        if len(names) == 1:
            return {names[0]: self.cut_at(names[0])}
        found = {}
        for name in names:
            try:
                found[name] = self.cut_at(name)
            except InputError:
                continue  # this network's last blocks share parameters, or cannot be told apart
        return found

    def part(self, start: int, stop: int, taps: tuple[int, ...] = ()) -> fx.GraphModule:
        """Cut out blocks ``start`` to ``stop``: a module from the tensors that cross at one cut to those at another.

        Args:
            start: Cut at which the input is taken; 0 is the network's own input.
            stop: Cut at which the output is taken; ``depth`` is the network's own output.
            taps: Cuts in between whose tensors are put out as well, before those of ``stop``.

        Returns:
            A module of ``len(crossing(start))`` tensors that returns a tuple of tensors; it shares the network's parameters.
        """
        graph, made = fx.Graph(), {}
        for node in self._crossing(start):
            made[node] = graph.placeholder(node.name)
        for node in self._nodes[self._position(start) : self._position(stop)]:
            self._copy(node, graph, made)
        outputs = [made[node] for cut in (*taps, stop) for node in self._crossing(cut)]
        graph.output(tuple(outputs))
        return fx.GraphModule(self.recorded, graph, class_name=f"Blocks{start}to{stop}")

    def part_key(self, start: int, stop: int, taps: tuple[int, ...] = ()) -> str:
        """Hash of what decides the part's numbers: under it an engine keeps what it compiled."""
        return digest(self.chain[start], *(self.chain[cut] for cut in (*taps, stop)))

    def crossing_shapes(self, cut: int) -> tuple[tuple[int, ...], ...]:
        """Shape for one item of each tensor that crosses at a cut."""
        return (tuple(self.example.shape[1:]),) if cut == 0 else self.blocks[cut - 1].shapes

    @property
    def begins_with_table(self) -> bool:
        """Is its first block a table of vectors, from which tokens take theirs without any arithmetic?"""
        return self.varies and self.blocks[0].flops == 0 and self.depth > 1 and self.blocks[0].can_cut

    def varying(self, cut: int) -> tuple[bool, ...]:
        """Which of the tensors that cross at a cut are as long as the item is, along their second axis: tokens, before they are pooled."""
        if cut == 0:
            return (self.varies,)
        return tuple(self._costs.shapes[node] != self._shorter.shapes[node] for node in self._crossing(cut))

    def _weighty(self, node: fx.Node) -> bool:
        return node.op == "call_module" and has_weights(self.recorded.get_submodule(str(node.target)))

    def _owned(self, node: fx.Node) -> list[tuple[str, nn.Parameter]]:
        owned = []
        if node.op == "call_module":
            module = self.recorded.get_submodule(str(node.target))
            owned += [(f"{node.target}.{name}", parameter) for name, parameter in module.named_parameters()]
        for source in node.all_input_nodes:
            if source.op == "get_attr":
                value = _attribute(self.recorded, str(source.target))
                owned += [(str(source.target), value)] if isinstance(value, nn.Parameter) else []
        return owned

    def _end(self, start: int, stop: int, costs: _Costs) -> int:
        """Where between two weighty calls to cut: before any dropout, where the fewest numbers cross, as late as possible."""
        last = next((n for n in range(start + 1, stop) if self._drops(self._nodes[n])), stop)
        sizes = {end: costs.values(self._live(end)) for end in range(start + 1, last + 1)}
        allowed = {end: size for end, size in sizes.items() if costs.only_items(self._live(end))} or sizes
        return min(allowed, key=lambda end: (allowed[end], -end))

    def _drops(self, node: fx.Node) -> bool:
        if node.op == "call_module":
            return drops(self.recorded.get_submodule(str(node.target)))
        return "dropout" in str(node.target)

    def _position(self, cut: int) -> int:
        return 0 if cut == 0 else self._ends[cut - 1]

    def _live(self, position: int) -> list[fx.Node]:
        """The values made before a position and used behind it, in order of making."""
        before = [self._input, *self._nodes[:position]]
        behind = set(self._nodes[position:])
        return [node for node in before if any(user in behind or user.op == "output" for user in node.users)]

    def _crossing(self, cut: int) -> list[fx.Node]:
        if cut == self.depth:
            return [self._output]
        return [self._input] if cut == 0 else self._live(self._position(cut))

    def _copy(self, node: fx.Node, graph: fx.Graph, made: dict[fx.Node, fx.Node]) -> None:
        for source in node.all_input_nodes:
            if source.op == "get_attr" and source not in made:
                made[source] = graph.node_copy(source)
        made[node] = graph.node_copy(node, lambda source: made[source])

    def _block(self, n: int, first: fx.Node, costs: _Costs) -> Block:
        begin, end = (self._ends[n - 1] if n else 0), self._ends[n]
        nodes = self._nodes[begin:end]
        crossing = [self._output] if n == len(self._ends) - 1 else self._live(end)
        frozen = {id(p) for node in self._nodes[:end] for _, p in self._owned(node)}
        shared = any(id(p) in frozen for node in self._nodes[end:] for _, p in self._owned(node))
        allowed = costs.only_items(crossing) and not shared
        shapes = tuple(costs.shapes[node][1:] for node in crossing) if allowed else ()
        parameters = {id(p): p.numel() for node in nodes for _, p in self._owned(node)}
        return Block(str(first.target), sum(parameters.values()), sum(costs.flops[node] for node in nodes) // PROBE_ITEMS, shapes, allowed)

    def _chain(self, identity: str) -> tuple[str, ...]:
        """One key per cut: each hashes the key before it, the calls and the values of the block's parameters and buffers."""
        keys = [digest("input", identity)]
        for n in range(self.depth):
            begin, end = (self._ends[n - 1] if n else 0), self._ends[n]
            parts: list[str | bytes] = [keys[-1]]
            for node in self._nodes[begin:end]:
                parts += [node.op, _call_name(node), str(node.args), str(node.kwargs), *self._values(node)]
            keys.append(digest(*parts))
        return tuple(keys)

    def _values(self, node: fx.Node) -> list[str | bytes]:
        found: list[tuple[str, Tensor]] = []
        parts: list[str | bytes] = []
        if node.op == "call_module":
            module = self.recorded.get_submodule(str(node.target))
            parts.append(repr(module))
            found += [*module.named_parameters(), *module.named_buffers()]
        found += [(str(source.target), _attribute(self.recorded, str(source.target))) for source in node.all_input_nodes if source.op == "get_attr"]
        for name, value in found:
            parts += [name, str(tuple(value.shape)), value.detach().contiguous().cpu().numpy().tobytes()]
        return parts


class _Costs(fx.Interpreter):
    """Runs the recording once and notes shape, FLOPs and kind of every value."""

    def __init__(self, recorded: fx.GraphModule) -> None:
        super().__init__(recorded)
        self.shapes: dict[fx.Node, tuple[int, ...]] = {}
        self.flops: dict[fx.Node, int] = {}

    def measure(self, example: Tensor) -> _Costs:
        with torch.no_grad():
            self.run(example)
        return self

    def run_node(self, n: fx.Node) -> Any:
        from torch.utils.flop_counter import FlopCounterMode

        with FlopCounterMode(display=False) as counter:
            value = super().run_node(n)
        self.flops[n] = max(int(counter.get_total_flops()), self._recurrent(n, value))
        if isinstance(value, Tensor):
            self.shapes[n] = tuple(value.shape)
        return value

    def _recurrent(self, node: fx.Node, value: Any) -> int:
        """What recurrent layers do, which are one call that the counter does not know: two operations a weight and step of ``(items, steps, d)``."""
        inside = self.module.get_submodule(str(node.target)).modules() if node.op == "call_module" else ()
        weights = sum(weight.numel() for one in inside if isinstance(one, nn.RNNBase) for weight in one.parameters() if weight.dim() > 1)
        return 2 * weights * int(np.prod(value.shape[:-1])) if weights else 0

    def only_items(self, nodes: list[fx.Node]) -> bool:
        """Are all values tensors whose first axis counts the items?"""
        return all(node in self.shapes and self.shapes[node][:1] == (PROBE_ITEMS,) for node in nodes)

    def values(self, nodes: list[fx.Node]) -> int:
        return sum(int(np.prod(self.shapes.get(node, (0,)))) for node in nodes)


def _attribute(module: nn.Module, path: str) -> Any:
    value: Any = module
    for name in path.split("."):
        value = getattr(value, name)
    return value


def _call_name(node: fx.Node) -> str:
    """The called module's or function's name, without the memory address that ``str`` of a function carries."""
    return str(getattr(node.target, "__name__", node.target))
