"""Text networks of every family: equal to the transformers library's own, cut anywhere without a difference, blind to padding and neighbours."""

from __future__ import annotations

import copy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.backbone.text_models import FAMILIES, LONGEST, Pair, card_of, pair_of, texts
from torch import nn

from headstart.backbone.build import build
from headstart.backbone.cut import Backbone
from headstart.backbone.networks.text import keep_table
from headstart.base.errors import InputError

TOLERANCE = 1e-5
every_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    return {family: pair_of(family, tmp_path_factory.mktemp("text")) for family in FAMILIES}


def backbone_of(pair: Pair) -> Backbone:
    return Backbone(copy.deepcopy(pair.ours), texts(12))


@every_family
def test_the_vectors_are_those_of_the_library(family: str, pairs: dict[str, Pair]) -> None:
    ids = texts(9, 3, 17, 1)
    real = ids >= 0
    with torch.no_grad():
        ours, mask = pairs[family].ours.net.hidden(ids)
        theirs = pairs[family].theirs(input_ids=torch.where(real, ids, 1).long(), attention_mask=real.long()).last_hidden_state
    assert torch.equal(mask, real.float())
    ours = pairs[family].ours.net.pool.norm(ours)
    assert (ours - theirs)[real].abs().max() < TOLERANCE * 10 and theirs[real].std() > 0.1


@every_family
def test_suffix_of_prefix_is_the_network_bit_for_bit_at_every_cut(family: str, pairs: dict[str, Pair]) -> None:
    backbone, ids = backbone_of(pairs[family]), texts(9, 3, 17, 1, seed=1)
    layers = len(backbone.network.net.layers)
    assert backbone.cuts == tuple(range(layers + 2)) and [block.name for block in backbone.blocks][:2] == ["net.embed", "net.layers.0"]
    with torch.no_grad():
        whole = backbone.network(ids)
        for cut in backbone.cuts[1:]:
            crossing = backbone.part(0, cut)(ids)
            assert torch.equal(backbone.part(cut, backbone.depth)(*crossing)[0], whole), cut
            if cut < backbone.depth:
                mask, vectors = crossing
                assert torch.equal(mask, (ids >= 0).float()) and vectors.shape[:2] == ids.shape
                emptied = torch.where(mask[..., None] > 0, vectors, 0.0)  # as it comes back from the store
                assert torch.allclose(backbone.part(cut, backbone.depth)(mask, emptied)[0], whole, atol=TOLERANCE), cut


@every_family
def test_a_text_does_not_know_its_neighbours_nor_how_far_it_is_padded(family: str, pairs: dict[str, Pair]) -> None:
    ids = texts(9, 3, 17, 1, seed=2)
    with torch.no_grad():
        together = pairs[family].ours(ids)
        for row, features in zip(ids, together, strict=True):
            alone = pairs[family].ours(row[row >= 0][None])
            assert torch.allclose(alone[0], features, atol=TOLERANCE)


@every_family
def test_a_text_without_tokens_gives_finite_numbers(family: str, pairs: dict[str, Pair]) -> None:
    ids = torch.full((2, 4), -1, dtype=torch.int32)
    ids[1, :2] = 7
    with torch.no_grad():
        assert torch.isfinite(pairs[family].ours(ids)).all()


@every_family
@pytest.mark.parametrize("pooling", ["mean", "first", "last"])
def test_pooling_takes_the_tokens_that_it_names(family: str, pooling: str, pairs: dict[str, Pair]) -> None:
    ids = texts(5, 2, seed=3)
    network = copy.deepcopy(pairs[family].ours.net)
    network.pool.kind = pooling
    with torch.no_grad():
        hidden = network.pool.norm(network.hidden(ids)[0])
        expected = {"mean": lambda row, n: row[:n].mean(0), "first": lambda row, n: row[0], "last": lambda row, n: row[n - 1]}[pooling]
        assert torch.allclose(network(ids), torch.stack([expected(row, n) for row, n in zip(hidden, (5, 2), strict=True)]), atol=TOLERANCE)


@every_family
def test_gradients_reach_every_weight_behind_a_cut_and_none_before(family: str, pairs: dict[str, Pair]) -> None:
    backbone, ids = backbone_of(pairs[family]), texts(30, 12, seed=4)
    unused = ("position_embeddings", "token_type_embeddings", "wpe", "seg_embed", "r_s_bias")  # rows for places and segments that these texts have not
    for cut in (0, 1, 2, backbone.depth - 1):
        backbone.network.zero_grad(set_to_none=True)
        part, distances = backbone.part(cut, backbone.depth), backbone.distances(cut)
        with torch.no_grad():
            crossing = backbone.part(0, cut)(ids) if cut else (ids,)
        part(*crossing)[0].pow(2).sum().backward()
        behind = dict(part.named_parameters())
        assert set(behind) == set(distances)
        reached = {name for name, parameter in behind.items() if parameter.grad is not None and parameter.grad.abs().sum() > 0}
        assert {name for name in behind if name not in reached and not any(word in name for word in unused)} <= _silent(family, behind)
        assert all(p.grad is None for name, p in backbone.network.named_parameters() if name not in behind)


def _silent(family: str, behind: dict[str, nn.Parameter]) -> set[str]:
    """Biases of keys: they shift all scores of a row alike, so the loss does not depend on them beyond rounding."""
    return {name for name in behind if any(word in name for word in ("attention.self.key.bias", "attn.k.bias", "k_lin.bias"))}


@every_family
def test_layers_know_their_distance_from_the_head(family: str, pairs: dict[str, Pair]) -> None:
    backbone = backbone_of(pairs[family])
    distances = backbone.distances(0)
    layers = len(backbone.network.net.layers)
    for name, distance in distances.items():
        where = name.removeprefix("net.")
        assert distance == (layers + 1 if where.startswith("embed.") else 1 if where.startswith("pool.") else layers - int(where.split(".")[1]))
    assert sum(block.parameters for block in backbone.blocks) == sum(parameter.numel() for parameter in backbone.network.parameters())


@every_family
def test_names_of_cuts_mean_the_same_in_every_family(family: str, pairs: dict[str, Pair]) -> None:
    backbone = backbone_of(pairs[family])
    assert backbone.cut_at("head") == backbone.depth and backbone.cut_at("last2") == backbone.depth - 2 and backbone.cut_at("all") == 0
    assert backbone.cut_at("net.layers.1") == 2
    off = {cut: abs(backbone.trainable_share(cut) - 0.5) for cut in backbone.cuts}
    assert off[backbone.halfway] == min(off.values()) and 1 < backbone.halfway < backbone.depth
    assert all(block.flops > 0 for block in backbone.blocks[1:])


@every_family
def test_dropout_acts_in_a_part_while_it_trains_and_only_then(family: str, pairs: dict[str, Pair]) -> None:
    backbone, ids = backbone_of(pairs[family]), texts(20, 11)
    dropping = [module for module in backbone.network.modules() if isinstance(module, nn.Dropout)]
    part = backbone.part(0, backbone.depth)
    assert torch.equal(part.eval()(ids)[0], part(ids)[0])
    assert torch.equal(part.train()(ids)[0], part(ids)[0]) is (family in ("llama", "gemma3_text")), len(dropping)


@every_family
def test_names_of_weights_are_short_and_shared_with_no_other_layer(family: str, pairs: dict[str, Pair]) -> None:
    network = pairs[family].ours.net
    names = list(network.state_dict())
    assert all(name.split(".")[0] in ("embed", "layers", "pool") for name in names)
    assert len({value.data_ptr() for value in network.parameters()}) == len(list(network.parameters()))


@every_family
def test_fresh_weights_follow_the_seed_and_start_small(family: str, pairs: dict[str, Pair]) -> None:
    card = pairs[family].card
    one, same, other = build(card, None, seed=1), build(card, None, seed=1), build(card, None, seed=2)
    ids = texts(8, 5)
    with torch.no_grad():
        assert torch.equal(one(ids), same(ids)) and not torch.equal(one(ids), other(ids))
    assert all(0.01 < value.std() < 0.03 for value in one.parameters() if value.numel() > 500)


@every_family
def test_the_same_weights_give_the_same_keys_and_a_changed_layer_other_ones_behind_it(family: str, pairs: dict[str, Pair]) -> None:
    before = backbone_of(pairs[family]).chain
    changed = copy.deepcopy(pairs[family].ours)
    with torch.no_grad():
        next(changed.net.layers[1].parameters()).view(-1)[0] += 1
    after = Backbone(changed, texts(12)).chain
    assert before == backbone_of(pairs[family]).chain
    assert before[:3] == after[:3] and not set(before[3:]) & set(after[3:])


def test_a_key_knows_how_the_tokens_are_pooled(pairs: dict[str, Pair]) -> None:
    other = copy.deepcopy(pairs["bert"].ours)
    other.net.pool.kind = "first"
    one, two = backbone_of(pairs["bert"]).chain, Backbone(other, texts(12)).chain
    assert one[:-1] == two[:-1] and one[-1] != two[-1]


@pytest.mark.parametrize("family", ["bert", "mpnet", "gpt2", "llama", "gemma3_text"])
def test_openvino_computes_the_same_for_any_length(family: str, pairs: dict[str, Pair]) -> None:
    from headstart.backbone.engines.openvino_engine import _convert
    from headstart.backbone.engines.openvino_import import import_openvino

    backbone = backbone_of(pairs[family])
    openvino = import_openvino()
    model = _convert(backbone.part(0, backbone.depth), (texts(12, 7).numpy(),), (True,))
    for lengths in ((12, 7), (5, 3, 1)):
        ids = texts(*lengths, seed=5)
        model.reshape({model.inputs[0]: list(ids.shape)})
        compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        with torch.no_grad():
            expected = backbone.network(ids)
        assert abs(next(iter(compiled(ids.numpy()).values())) - expected.numpy()).max() < 1e-4


def test_a_word_table_with_most_of_the_weights_stays_as_it_is_when_weights_are_given_and_learns_in_a_fresh_twin(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    sizes = FAMILIES["bert"][1] | {"vocab_size": 5000}
    twin = build(card_of("bert", sizes), None)
    save_file({f"embeddings.{name.removeprefix('embed.')}" if name.startswith("embed.") else name.replace("layers.", "encoder.layer."): value
               for name, value in twin.net.state_dict().items()}, tmp_path / "w.safetensors")  # fmt: skip
    pretrained = build(card_of("bert", sizes), tmp_path / "w.safetensors")
    assert not pretrained.net.table.requires_grad and twin.net.table.requires_grad
    assert all(value.requires_grad for name, value in pretrained.named_parameters() if value is not pretrained.net.table)
    assert copy.deepcopy(Backbone(pretrained, texts(9)).part(0, 4)).get_parameter("net.embed.word_embeddings.weight").requires_grad is False
    assert keep_table(twin.net) and not keep_table(build(card_of("bert", FAMILIES["bert"][1]), None).net)


@pytest.mark.parametrize(
    ("family", "changes", "words"),
    [
        ("bert", {"num_attention_heads": 5}, "no bert has these sizes"),
        ("bert", {"vocab_size": 1 << 40}, "out of bounds"),
        ("bert", {"hidden_act": "__import__('os')"}, "no name of an activation"),
        ("bert", {"hidden_act": "nonsense"}, "no bert has these sizes"),
        ("bert", {"auto_map": "evil"}, "auto_map: no value of bert"),
        ("gpt2", {"hidden_size": 4}, "no value of gpt2"),
        ("llama", {"num_hidden_layers": 512, "hidden_size": 1 << 20, "intermediate_size": 1 << 20}, "larger than any machine"),
    ],
)
def test_sizes_that_make_no_network_are_refused(family: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        build(card_of(family, {**FAMILIES[family][1], **changes}), None)


def test_a_family_that_nobody_knows_is_answered_with_those_that_are_known() -> None:
    with pytest.raises(InputError, match="did you mean: bert"):
        build(card_of("bart", {}), None)


def test_a_text_network_takes_no_pictures(pairs: dict[str, Pair]) -> None:
    from headstart.gallery import InputRecipe

    with pytest.raises(InputError, match="take texts"):
        build(replace(pairs["bert"].card, input=InputRecipe(32, 1.0, "bicubic", (0.5,) * 3, (0.5,) * 3)), None)


def test_published_names_of_heads_old_norms_and_buffers_are_left_out(tmp_path: Path, pairs: dict[str, Pair]) -> None:
    from safetensors.torch import save_file

    state = {f"bert.{name}".replace("LayerNorm.weight", "LayerNorm.gamma"): value for name, value in pairs["bert"].theirs.state_dict().items()}
    state |= {"cls.predictions.bias": torch.zeros(3), "bert.embeddings.position_ids": torch.arange(LONGEST)}
    save_file(state, tmp_path / "w.safetensors")
    network = build(pairs["bert"].card, tmp_path / "w.safetensors")
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in pairs["bert"].ours.state_dict().items())


def test_building_a_text_network_opens_no_socket_and_imports_no_code_of_a_model() -> None:
    code = """
import sys
def refuse(event, arguments):
    if event.startswith("socket."):
        raise OSError("the network was used: " + event)
sys.addaudithook(refuse)
from tests.backbone.text_models import FAMILIES, card_of
from headstart.backbone.build import build
for name in ("bert", "llama"):
    build(card_of(name, FAMILIES[name][1]), None)
print("built", any("trust" in name or "dynamic_module" in name for name in sys.modules))
"""
    root = Path(__file__).parents[2]
    environment = {"PYTHONPATH": f"{root / 'src'}:{root}"}
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("built"), done.stderr
