"""The hub's real code path against a hub on this machine: ``hf:`` and ``timm:``, licences, pinned revisions, broken lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.gallery.hub_server import Hub, serve
from tests.gallery.small import timm_files

from headstart import gallery
from headstart.base.errors import InputError, LicenceError
from headstart.gallery.shelf import subscription

RESNET, VIT = "timm/test_resnet.r160_in1k", "timm/test_vit.r160_in1k"
RESTRICTED, PICKLED = "someone/restricted", "someone/pickled"


@pytest.fixture(scope="module")
def files() -> dict[str, dict[str, bytes]]:
    resnet = timm_files("test_resnet")
    with_torch = {"config.json": resnet["config.json"], "pytorch_model.bin": _as_torch(resnet["model.safetensors"])}
    return {
        RESNET: resnet, VIT: timm_files("test_vit"), RESTRICTED: timm_files("test_resnet", licence="cc-by-nc-4.0"), PICKLED: with_torch,
        "timm/twice.a": resnet, "timm/twice.b": resnet, "someone/no-config": {"model.safetensors": b"x"},
    }  # fmt: skip


def _as_torch(content: bytes) -> bytes:
    import io

    from safetensors.torch import load

    stream = io.BytesIO()
    torch.save(load(content), stream)
    return stream.getvalue()


@pytest.fixture
def hub(files: dict[str, dict[str, bytes]], empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serve(Hub(files, {RESNET: "apache-2.0", VIT: "mit", RESTRICTED: "apache-2.0"})) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


@pytest.mark.parametrize(("asked", "name"), [("timm:test_resnet", RESNET), ("timm:test_vit.r160_in1k", VIT), (f"hf:{RESNET}", RESNET)])
def test_a_model_of_the_hub_needs_no_card_and_computes_what_timm_computes(asked: str, name: str, hub: Hub) -> None:
    from headstart.backbone.build import build

    made = gallery.subscribe(asked)
    card = made.card
    assert card.source == f"hf:{name}@{hub.revision(name)}#model.safetensors" and card.licence in ("Apache-2.0", "Apache-2.0 AND MIT")
    assert (
        card.input.size == 160
        and card.input.interpolation == ("bicubic" if name == VIT else "bilinear")
        and len(card.sha256) == 64
        and card.parameters > 10_000
    )
    x = torch.rand(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(build(card, gallery.weights(asked))(x), _timm_features(hub.repositories[name]["model.safetensors"], card.title, x))


def _timm_features(content: bytes, name: str, x: torch.Tensor) -> torch.Tensor:
    import timm
    from safetensors.torch import load

    network = timm.create_model(name, pretrained=False).eval()
    network.load_state_dict(load(content))
    network.reset_classifier(0)
    mean, std = (torch.tensor(network.pretrained_cfg[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        features: torch.Tensor = network((x - mean) * (1 / std))
    return features


def test_after_subscribing_the_hub_is_not_asked_again(hub: Hub) -> None:
    made = gallery.subscribe("timm:test_resnet")
    asked = len(hub.asked)
    assert gallery.subscribe("timm:test_resnet") == made and gallery.weights("timm:test_resnet").is_file()
    assert len(hub.asked) == asked


def test_a_restricted_model_of_the_hub_is_refused_before_its_weights_are_asked_for(hub: Hub) -> None:
    with pytest.raises(LicenceError, match=r"Apache-2.0 AND cc-by-nc-4.0"):
        gallery.subscribe(f"hf:{RESTRICTED}")
    assert not any("safetensors" in line for line in hub.asked)
    made = gallery.subscribe(f"hf:{RESTRICTED}", accept=["Apache-2.0 AND cc-by-nc-4.0"])
    assert made.accepted and subscription(made.card.name) == made


def test_a_model_without_a_licence_is_asked_about(hub: Hub, files: dict[str, dict[str, bytes]]) -> None:
    hub.repositories = files | {"someone/silent": timm_files("test_resnet", licence=None)}
    with pytest.raises(LicenceError, match="names no licence"):
        gallery.subscribe("hf:someone/silent")


def test_a_torch_file_is_taken_where_there_is_no_safetensors(hub: Hub) -> None:
    assert gallery.subscribe(f"hf:{PICKLED}").card.format == "torch"


def test_a_line_that_breaks_in_the_middle_goes_on_where_it_stopped(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1 << 16)  # this file is smaller than the client's usual piece
    hub.breaks.add("model.safetensors")
    gallery.subscribe("timm:test_resnet")
    gallery.verify("timm:test_resnet")
    assert not hub.breaks and any("model.safetensors bytes=" in line and "bytes=0-" not in line for line in hub.asked)


def test_a_revision_is_pinned_even_when_the_repository_changes(hub: Hub, files: dict[str, dict[str, bytes]]) -> None:
    first = gallery.subscribe("timm:test_resnet").card.source
    hub.repositories = files | {RESNET: timm_files("test_resnet", seed=1)}
    assert gallery.subscribe("timm:test_resnet").card.source == first
    gallery.remove("timm:test_resnet")
    assert gallery.subscribe("timm:test_resnet").card.source != first


def test_a_name_with_several_weights_is_never_decided_silently(hub: Hub) -> None:
    with pytest.raises(InputError, match=r"allowed: timm:twice.a, timm:twice.b"):
        gallery.subscribe("timm:twice")


@pytest.mark.parametrize("source", ["timm:absent", "hf:someone/absent", "hf:someone/no-config", f"hf:{RESNET}@absent", f"hf:{RESNET}#absent.bin"])
def test_what_the_hub_has_not_is_a_clear_refusal(source: str, hub: Hub) -> None:
    with pytest.raises(InputError):
        gallery.subscribe(source)


def test_a_hub_that_cannot_be_reached_is_a_clear_refusal(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="cannot be reached"):
        gallery.subscribe("timm:test_resnet")
