"""suffix(prefix(x)) == net(x), for every cut of every family, and what may and may not change a stored activation's key."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from headstart.backbone.build import build
from headstart.backbone.cut import Backbone
from headstart.backbone.torchvision_repair import import_torchvision
from headstart.backbone.trace import trace
from headstart.base.errors import InputError
from headstart.gallery import cards
from headstart.training.network import Classifier

TIMM = ("vgg16", "resnet18", "resnet50", "inception_v3", "mobilenetv3_small_100", "convnext_tiny", "vit_small_patch16_224", "densenet121")
TOLERANCE = 1e-5


def timm_network(name: str, **options: object) -> nn.Module:
    import_torchvision()
    import timm

    torch.manual_seed(0)
    return timm.create_model(name, pretrained=False, num_classes=0, **options).eval()


def largest_difference_of_any_cut(backbone: Backbone, x: torch.Tensor) -> float:
    worst = 0.0
    with torch.no_grad():
        whole = backbone.network(x)
        *inner, _ = backbone.cuts[1:]
        outputs = list(backbone.part(0, backbone.depth, tuple(inner))(x))
        for cut in backbone.cuts[1:]:
            width = len(backbone.crossing_shapes(cut))
            crossing, outputs = outputs[:width], outputs[width:]
            assert [tuple(tensor.shape[1:]) for tensor in crossing] == list(backbone.crossing_shapes(cut))
            worst = max(worst, float((backbone.part(cut, backbone.depth)(*crossing)[0] - whole).abs().max()))
    return worst


@pytest.mark.parametrize("name", TIMM)
def test_suffix_of_prefix_is_the_network_for_every_cut(name: str) -> None:
    size = {"inception_v3": 139, "vit_small_patch16_224": 224}.get(name, 128)
    backbone = Backbone(timm_network(name), torch.rand(1, 3, size, size))
    assert backbone.depth >= 9
    assert backbone.cuts == tuple(range(backbone.depth + 1))
    assert sum(block.parameters for block in backbone.blocks) == sum(p.numel() for p in backbone.network.parameters())
    assert largest_difference_of_any_cut(backbone, torch.rand(1, 3, size, size)) < TOLERANCE


@pytest.mark.parametrize("card", [card for card in cards() if card.modality == "image"], ids=lambda card: card.name)
def test_suffix_of_prefix_is_the_network_for_every_vision_card(card) -> None:  # type: ignore[no-untyped-def]
    size = card.input.size
    backbone = Backbone(build(card, None), torch.zeros((1, 3, size, size), dtype=torch.uint8))
    assert backbone.depth >= 9
    assert backbone.cuts == tuple(range(backbone.depth + 1))
    assert largest_difference_of_any_cut(backbone, torch.randint(0, 256, (1, 3, size, size), dtype=torch.uint8)) < TOLERANCE


def test_stochastic_depth_acts_in_the_suffix_while_it_trains_and_only_then() -> None:
    backbone = Backbone(timm_network("tf_efficientnet_lite0", drop_path_rate=0.5), torch.rand(1, 3, 64, 64))
    suffix, crossing = backbone.part(5, backbone.depth), torch.rand(16, *backbone.crossing_shapes(5)[0])
    suffix.train()
    assert not torch.equal(suffix(crossing)[0], suffix(crossing)[0])
    suffix.eval()
    assert torch.equal(suffix(crossing)[0], suffix(crossing)[0])


def test_dropout_outside_the_blocks_follows_the_mode_too() -> None:
    class Dropping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(4, 64), nn.Linear(64, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.two(nn.functional.dropout(self.one(x), 0.5, training=self.training))

    suffix = Backbone(Dropping(), torch.rand(2, 4)).part(1, 2)
    x = torch.rand(5, 64)
    assert not torch.equal(suffix.train()(x)[0], suffix(x)[0])
    assert torch.equal(suffix.eval()(x)[0], suffix(x)[0])


def test_a_network_that_runs_other_code_while_it_trains_is_refused() -> None:
    class Different(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.two(self.one(x)) if self.training else self.two(torch.relu(self.one(x)))

    with pytest.raises(InputError, match="while it trains"):
        Backbone(Different(), torch.rand(2, 4))


@pytest.mark.parametrize(
    "acts",
    [
        lambda x, training: nn.functional.dropout(x, 0.5 if training else 0.0, True),
        lambda x, training: nn.functional.dropout(x, 0.5, training=not training),
        lambda x, training: nn.functional.pad(x, (0, 1) if training else (1, 0)),
        lambda x, training: torch.flatten(x, 1) if training else torch.flatten(x, 1, -1),
    ],
)
def test_a_value_that_follows_the_mode_and_is_no_switch_is_refused_and_the_network_stays_as_it_was(acts: Callable[[torch.Tensor, bool], torch.Tensor]) -> None:
    class Follows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(4, 8), nn.Linear(8, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.two(acts(self.one(x), self.training))

    network = Follows().eval()
    with pytest.raises(InputError, match="other code while it trains"):
        trace(network)
    assert not any(module.training for module in network.modules())


def test_a_parameter_on_both_sides_forbids_the_cut() -> None:
    shared = nn.Linear(4, 4)
    backbone = Backbone(nn.Sequential(shared, nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), shared), torch.rand(2, 4))
    assert backbone.cuts == (0, 3)


def test_a_changed_weight_changes_the_keys_behind_it_and_no_other() -> None:
    def chain(change: bool) -> tuple[str, ...]:
        network = timm_network("resnet18")
        if change:
            with torch.no_grad():
                next(network.layer2[0].parameters()).view(-1)[0] += 1e-3
        return Backbone(network, torch.rand(1, 3, 64, 64)).chain

    plain, changed = chain(False), chain(True)
    block = 3  # stem and two blocks of layer1 come before
    assert plain[: block + 1] == changed[: block + 1]
    assert not set(plain[block + 1 :]) & set(changed[block + 1 :])


def test_running_statistics_and_preparation_belong_to_the_key() -> None:
    network = timm_network("resnet18")
    before = Backbone(network, torch.rand(1, 3, 64, 64)).chain
    assert Backbone(network, torch.rand(1, 3, 64, 64), identity="other pixels").chain[0] != before[0]
    network.bn1.running_mean += 1
    assert Backbone(network, torch.rand(1, 3, 64, 64)).chain[1] != before[1]


def test_a_cut_that_does_not_exist_is_refused_with_the_nearest_one() -> None:
    backbone = Backbone(timm_network("resnet18"), torch.rand(1, 3, 64, 64))
    assert backbone.cut_at("head") == backbone.depth
    assert backbone.cut_at("last2") == backbone.depth - 2
    assert backbone.cut_at("layer4.1") == backbone.depth - 1
    assert backbone.cut_at("all") == 0
    with pytest.raises(InputError, match=r"did you mean: layer4\.1"):
        backbone.cut_at("layer4.11")


def test_parts_chain_from_any_cut_to_any_deeper_one() -> None:
    backbone = Backbone(timm_network("mobilenetv3_small_100"), torch.rand(1, 3, 64, 64))
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        middle = backbone.part(2, 7)(*backbone.part(0, 2)(x))
        assert torch.equal(middle[0], backbone.part(0, 7)(x)[0])


@pytest.mark.parametrize("cut_name", ["all", "half", "last"])
def test_every_weight_behind_a_cut_knows_how_many_blocks_it_is_away_from_the_head(cut_name: str) -> None:
    backbone = Backbone(timm_network("mobilenetv3_small_100"), torch.rand(1, 3, 64, 64))
    cut = backbone.cut_at(cut_name)
    part, found = backbone.part(cut, backbone.depth), backbone.distances(cut)
    assert set(dict(part.named_parameters())) == set(found), "by the names that a part gives its weights"
    assert set(found.values()) == set(range(1, backbone.depth - cut + 1))
    for n in range(cut, backbone.depth):
        block = [name for name, distance in found.items() if distance == backbone.depth - n]
        assert sum(dict(part.named_parameters())[name].numel() for name in block) == backbone.blocks[n].parameters
        assert all(name.startswith(backbone.blocks[n].name) for name in block[:1])


def test_a_classifier_knows_the_distances_of_its_weights_and_0_for_its_head() -> None:
    backbone = Backbone(timm_network("resnet18"), torch.rand(1, 3, 64, 64))
    cut = backbone.cut_at("half")
    one = Classifier(backbone.part(cut, backbone.depth), nn.Linear(512, 2), keep_statistics=True, distances=backbone.distances(cut))
    found = {name: one.distance(name) for name, _ in one.named_parameters()}
    assert found["head.weight"] == found["head.bias"] == 0
    assert {distance for name, distance in found.items() if name.startswith("part.")} == set(range(1, backbone.depth - cut + 1))


def test_behind_the_last_cut_there_is_no_distance() -> None:
    backbone = Backbone(timm_network("resnet18"), torch.rand(1, 3, 64, 64))
    assert backbone.distances(backbone.depth) == {}


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_100"])
def test_half_parts_the_operations_most_evenly(name: str) -> None:
    backbone = Backbone(timm_network(name), torch.rand(1, 3, 64, 64))
    off = {cut: abs(backbone.trainable_share(cut) - 0.5) for cut in backbone.cuts}
    assert off[backbone.halfway] == min(off.values()) and 0 < backbone.halfway < backbone.depth
    assert backbone.cut_at("half") == backbone.halfway


def test_of_several_names_those_that_the_network_forbids_are_left_out_and_a_single_one_is_refused() -> None:
    shared = nn.Linear(4, 4)
    backbone = Backbone(nn.Sequential(shared, nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), shared), torch.rand(2, 4))
    assert backbone.cuts_of(("head", "last", "last2", "all")) == {"head": 3, "all": 0}
    assert backbone.cuts_of(("head",)) == {"head": 3} and backbone.cuts_of(("nonsense", "last")) == {}
    with pytest.raises(InputError, match="cannot be cut there"):
        backbone.cuts_of(("last",))
