"""Low-rank adapters: nothing changes at first, only they train, and merged they are plain weights that compute the same."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from tests.backbone.text_models import FAMILIES, Pair, pair_of, texts
from torch import fx, nn

from headstart.backbone.cut import Backbone
from headstart.backbone.lora import add_lora, distances, merge
from headstart.base.errors import InputError

LINEAR = [family for family in FAMILIES if family != "xlnet"]  # whose attention has no linear layers


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    return {family: pair_of(family, tmp_path_factory.mktemp("lora")) for family in FAMILIES}


def suffix_of(pair: Pair, cut: int = 2) -> tuple[fx.GraphModule, tuple[torch.Tensor, ...]]:
    backbone, ids = Backbone(copy.deepcopy(pair.ours), texts(12)), texts(9, 3, 14, seed=1)
    with torch.no_grad():
        crossing = backbone.part(0, cut)(ids)
    return copy.deepcopy(backbone.part(cut, backbone.depth)), crossing


def trained(part: fx.GraphModule, crossing: tuple[torch.Tensor, ...], steps: int = 5) -> None:
    optimiser = torch.optim.AdamW([parameter for parameter in part.parameters() if parameter.requires_grad], lr=1e-2)
    for _ in range(steps):
        optimiser.zero_grad()
        part(*crossing)[0].pow(2).sum().backward()
        optimiser.step()


@pytest.mark.parametrize("family", LINEAR)
def test_an_adapter_begins_at_nothing_and_only_it_trains(family: str, pairs: dict[str, Pair]) -> None:
    part, crossing = suffix_of(pairs[family])
    with torch.no_grad():
        before = part(*crossing)[0]
    kept = {name: value.clone() for name, value in part.named_parameters()}
    names = add_lora(part, rank=4)
    with torch.no_grad():
        assert torch.equal(part(*crossing)[0], before)
    free, everything = sum(one.numel() for one in part.parameters() if one.requires_grad), sum(one.numel() for one in part.parameters())
    assert names and all(name.endswith(("lora_down", "lora_up")) for name in names) and 0 < free < everything / 2
    trained(part, crossing)
    for name, value in part.named_parameters():
        assert (name in names) or torch.equal(value, kept[name.replace(".base.", ".")]), name


@pytest.mark.parametrize("family", [*LINEAR, "xlnet"])
def test_merged_it_computes_the_same_and_has_the_plain_names_again(family: str, pairs: dict[str, Pair]) -> None:
    part, crossing = suffix_of(pairs[family])
    plain = copy.deepcopy(part)
    add_lora(part, rank=4, alpha=8)
    trained(part, crossing)
    with torch.no_grad():
        learned = part(*crossing)[0]
        assert not torch.allclose(learned, plain(*crossing)[0], atol=1e-3)
        merge(part)
        assert torch.allclose(part(*crossing)[0], learned, atol=1e-5)
        plain.load_state_dict(part.state_dict(), strict=True)
        assert torch.equal(plain(*crossing)[0], part(*crossing)[0])


def test_an_adapter_computes_what_peft_computes(pairs: dict[str, Pair]) -> None:
    from peft import LoraConfig, inject_adapter_in_model

    part, crossing = suffix_of(pairs["bert"])
    theirs = inject_adapter_in_model(LoraConfig(r=4, lora_alpha=8, target_modules=r".*\.(query|key|value|dense)"), copy.deepcopy(part))
    names = add_lora(part, rank=4, alpha=8)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name in names:
            value = torch.randn(part.get_parameter(name).shape, generator=generator) * 0.1
            part.get_parameter(name).copy_(value)
            place, end = name.rsplit(".", 1)
            theirs.get_parameter(f"{place}.{'lora_A' if end == 'lora_down' else 'lora_B'}.default.weight").copy_(value)
        assert torch.allclose(part(*crossing)[0], theirs(*crossing)[0], atol=1e-5)


def test_an_adapter_is_as_far_from_the_head_as_the_layer_it_stands_beside(pairs: dict[str, Pair]) -> None:
    backbone = Backbone(copy.deepcopy(pairs["bert"].ours), texts(12))
    part = copy.deepcopy(backbone.part(2, backbone.depth))
    found = distances(add_lora(part), backbone.distances(2))
    assert found["net.layers.2.output.dense.lora_up"] == 1 and found["net.layers.1.attention.self.key.lora_down"] == 2
    assert set(found) == {name for name, parameter in part.named_parameters() if parameter.requires_grad}


def test_an_adapters_dropout_follows_the_mode(pairs: dict[str, Pair]) -> None:
    part, crossing = suffix_of(pairs["llama"])  # which drops nothing itself
    add_lora(part, rank=4, dropout=0.5)
    trained(part, crossing, steps=2)
    with torch.no_grad():
        assert not torch.equal(part.train()(*crossing)[0], part(*crossing)[0])
        assert torch.equal(part.eval()(*crossing)[0], part(*crossing)[0])


def test_the_seed_decides_where_adapters_begin(pairs: dict[str, Pair]) -> None:
    def first(seed: int) -> torch.Tensor:
        part, _ = suffix_of(pairs["bert"])
        return part.get_parameter(add_lora(part, seed=seed)[0]).detach()

    assert torch.equal(first(1), first(1)) and not torch.equal(first(1), first(2))


def test_what_cannot_be_adapted_is_refused() -> None:
    with pytest.raises(InputError, match="need linear layers"):
        add_lora(nn.Sequential(nn.Conv2d(3, 4, 3)))
    with pytest.raises(InputError, match="at least 1"):
        add_lora(nn.Sequential(nn.Linear(3, 4)), rank=0)
    part = nn.Sequential(nn.Linear(9, 9))
    add_lora(part)
    with pytest.raises(InputError, match="adapters already"):
        add_lora(part)


def test_a_part_of_a_picture_network_can_be_adapted_where_it_is_a_transformer(tmp_path: Path) -> None:
    from headstart.backbone.torchvision_repair import import_torchvision

    import_torchvision()
    import timm

    backbone = Backbone(timm.create_model("test_vit", pretrained=False, num_classes=0).eval(), torch.rand(1, 3, 160, 160))
    part = copy.deepcopy(backbone.part(backbone.depth - 1, backbone.depth))
    x = torch.rand(2, *backbone.crossing_shapes(backbone.depth - 1)[0])
    with torch.no_grad():
        before = part(x)[0]
        add_lora(part, rank=2)
        assert torch.equal(part(x)[0], before)
