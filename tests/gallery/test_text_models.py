"""Text models of a hub and of folders need no card; what lies beside the weights is fetched, checked and verified like them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save
from tests.backbone.text_models import FAMILIES, card_of, texts, theirs_of
from tests.gallery.hub_server import Hub, serve
from tests.gallery.small import write_card

from headstart import gallery
from headstart.backbone.build import build
from headstart.backbone.networks.text_decoders import FAMILIES as TEXT_FAMILIES
from headstart.base.errors import InputError, IntegrityError
from headstart.gallery import CardFile, ModelCard, TextInput, text_config
from headstart.gallery.describe import describe
from headstart.gallery.sources import parse

TOKENIZER = json.dumps({"version": "1.0", "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "word": 5}, "unk_token": "[UNK]"}}).encode()


def files_of(family: str, **changes: Any) -> dict[str, bytes]:
    """What a publisher pushes to a hub."""
    theirs = theirs_of(family)
    config = {**theirs.config.to_dict(), **changes}
    weights = save({name: value.contiguous() for name, value in theirs.state_dict().items()})
    return {"config.json": json.dumps(config).encode(), "model.safetensors": weights, "tokenizer.json": TOKENIZER}


@pytest.fixture(scope="module")
def files() -> dict[str, dict[str, bytes]]:
    return {f"someone/{family}": files_of(family) for family in FAMILIES}


@pytest.fixture
def hub(files: dict[str, dict[str, bytes]], empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serve(Hub(dict(files), dict.fromkeys(files, "mit"))) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_model_of_a_hub_computes_what_the_library_computes(family: str, hub: Hub) -> None:
    made = gallery.subscribe(f"hf:someone/{family}")
    card = made.card
    assert card.modality == "text" and card.architecture == f"transformers:{family}" and card.licence == "MIT" and card.parameters > 1000
    assert (made.folder / "tokenizer.json").read_bytes() == TOKENIZER and card.files[0].source.endswith("#tokenizer.json")
    assert isinstance(card.input, TextInput) and card.input.pooling == ("last" if family == "xlnet" else "mean")
    network, ids = build(card, gallery.weights(card.name)), texts(9)
    with torch.no_grad():
        hidden = theirs_of(family)(input_ids=ids.long()).last_hidden_state
        assert torch.allclose(network(ids), hidden[:, -1] if family == "xlnet" else hidden.mean(1), atol=1e-4)


def test_what_sentence_transformers_and_the_model_card_keep_decides_pooling_length_prefix_and_languages(hub: Hub) -> None:
    beside = {
        "1_Pooling/config.json": json.dumps({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}).encode(),
        "sentence_bert_config.json": b'{"max_seq_length": 17}',
        "config_sentence_transformers.json": b'{"prompts": {"query": "query: "}, "default_prompt_name": "query"}',
        "README.md": b"---\nlanguage:\n- multilingual\n---\n",
    }
    hub.repositories["someone/sentences"] = files_of("bert") | beside
    hub.licences["someone/sentences"] = "mit"
    card = gallery.subscribe("hf:someone/sentences").card
    assert card.input == TextInput(17, "first", "query: ", ("multilingual",))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "t5"}, "of this family cannot be built"),
        ({"auto_map": {"AutoModel": "modeling.Evil"}}, "auto_map"),
        ({"is_decoder": True}, "is_decoder = True makes a network"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type"),
        ({"vocab_size": 1 << 40}, "out of bounds"),
        ({"hidden_size": "32"}, "no name of an activation"),
        ({"num_hidden_layers": True}, "a number or a word is needed"),
    ],
)
def test_a_configuration_that_would_make_another_network_is_refused_before_a_weight_is_asked_for(changes: dict[str, Any], words: str, hub: Hub) -> None:
    hub.repositories["someone/other"] = files_of("bert", **changes)
    with pytest.raises(InputError, match=words):
        gallery.subscribe("hf:someone/other")
    assert not any("safetensors" in line for line in hub.asked)


def test_rotary_positions_of_another_kind_are_refused() -> None:
    with pytest.raises(InputError, match="rope_type 'yarn'"):
        text_config.read({"model_type": "llama", **FAMILIES["llama"][1], "rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}})


GEMMA = {"model_type": "gemma3_text", **FAMILIES["gemma3_text"][1], "num_hidden_layers": 8}
PLAIN_ROPE = {"rope_type": "default", "rope_theta": 1e4}


def test_the_rotary_positions_and_the_kinds_of_layers_that_transformers_5_writes_are_read() -> None:
    rope = {"full_attention": {"rope_type": "default", "rope_theta": 5e5}, "sliding_attention": PLAIN_ROPE}
    for kinds, rhythm in ((["full_attention"] * 8, 1), (["sliding_attention"] * 8, 9), ((["sliding_attention"] * 3 + ["full_attention"]) * 2, 4)):
        found = text_config.read({**GEMMA, "rope_parameters": rope, "layer_types": kinds})[1]
        assert (found["rope_theta"], found["rope_local_base_freq"], found["sliding_window_pattern"]) == (5e5, 1e4, rhythm)
        built = TEXT_FAMILIES["gemma3_text"].make(found, "mean")
        assert [one.self_attn.layer_type for one in built.layers] == kinds


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0}, "sliding_attention": PLAIN_ROPE}}, "'linear' of full_attention"),
        ({"rope_parameters": {"full_attention": PLAIN_ROPE, "chunked_attention": PLAIN_ROPE}}, "of chunked_attention are not built"),
        ({"rope_parameters": PLAIN_ROPE}, "rope_parameters of all layers"),
        ({"rope_parameters": [1]}, "rope_parameters is no table"),
        ({"layer_types": ["full_attention"] * 7 + ["sliding_attention"]}, "layer_types"),
        ({"layer_types": ["full_attention"] * 7}, "layer_types"),
        ({"layer_types": {"a": 1}}, "layer_types"),
    ],
)
def test_a_decoder_whose_layers_see_otherwise_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        text_config.read({**GEMMA, **changes})


def card_with(beside: dict[str, Any], folder: Path) -> ModelCard:
    for name, content in beside.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return describe(parse(f"folder:{folder}"))


def modules(*kinds: str) -> list[dict[str, str]]:
    return [{"path": f"{n}_{kind}" if n else "", "type": f"sentence_transformers.models.{kind}"} for n, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("pooling", "words"),
    [
        ({"pooling_mode_max_tokens": True}, "got: max"),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_weightedmean_tokens": True}, "got: weightedmean"),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, "got: mean_sqrt_len"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "got: cls, mean"),
        ({"pooling_mode": "max"}, "got: max"),
    ],
)
def test_a_pooling_that_is_not_built_is_refused(pooling: dict[str, Any], words: str, folder: Path) -> None:
    with pytest.raises(InputError, match=words):
        card_with({"1_Pooling/config.json": pooling}, folder)


@pytest.mark.parametrize(
    ("pooling", "made"), [({"pooling_mode": "cls"}, "first"), ({"pooling_mode_lasttoken": True}, "last"), ({"pooling_mode_mean_tokens": True}, "mean")]
)
def test_a_pooling_that_is_built_is_read(pooling: dict[str, Any], made: str, folder: Path) -> None:
    card = card_with({"1_Pooling/config.json": pooling, "modules.json": modules("Transformer", "Pooling", "Normalize")}, folder)
    assert isinstance(card.input, TextInput) and card.input.pooling == made


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (modules("Transformer", "Pooling", "Dense"), "got: Dense"),
        (modules("Transformer", "Dense", "Pooling"), "got: Dense, 2_Pooling/config.json"),
        ([3], "no list of modules"),
    ],
)
def test_a_module_that_would_be_left_out_is_refused(found: list[Any], words: str, folder: Path) -> None:
    with pytest.raises(InputError, match=words):
        card_with({"modules.json": found}, folder)


def test_a_model_without_a_tokenizer_is_refused(hub: Hub) -> None:
    hub.repositories["someone/mute"] = {name: content for name, content in files_of("bert").items() if name != "tokenizer.json"}
    with pytest.raises(InputError, match=r"has no tokenizer\.json"):
        gallery.subscribe("hf:someone/mute")


def test_a_tokenizer_with_an_endless_expression_is_refused(hub: Hub) -> None:
    evil = {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": r"(\s+)+$"}}, "model": {"type": "WordLevel", "vocab": {}}}
    hub.repositories["someone/endless"] = files_of("bert") | {"tokenizer.json": json.dumps(evil).encode()}
    with pytest.raises(InputError, match="never end"):
        gallery.subscribe("hf:someone/endless")


@pytest.fixture
def folder(tmp_path: Path, empty_home: Path) -> Path:
    place = tmp_path / "bert"
    place.mkdir()
    for name, content in files_of("bert").items():
        (place / name).write_bytes(content)
    return place


def test_a_folder_saved_by_transformers_needs_no_card(folder: Path) -> None:
    made = gallery.subscribe(f"folder:{folder}", accept=["unknown"])
    assert made.card.title == "bert" and (made.folder / "tokenizer.json").read_bytes() == TOKENIZER
    build(made.card, gallery.weights(made.card.name))


def test_a_changed_tokenizer_is_noticed_and_subscribing_again_heals_it(folder: Path) -> None:
    made = gallery.subscribe(f"folder:{folder}", accept=["unknown"])
    (made.folder / "tokenizer.json").write_bytes(TOKENIZER.replace(b"word", b"worm"))
    with pytest.raises(IntegrityError, match=r"tokenizer\.json of .* are not the bytes that were recorded"):
        gallery.weights(made.card.name)
    gallery.subscribe(f"folder:{folder}", accept=["unknown"])
    gallery.verify(made.card.name)


def test_a_tokenizer_that_is_not_the_cards_is_not_kept(folder: Path, empty_home: Path) -> None:
    wrong = CardFile("tokenizer.json", f"folder:{folder}#tokenizer.json", "0" * 64, len(TOKENIZER))
    write_card(card_of("bert", FAMILIES["bert"][1], source=f"folder:{folder}#model.safetensors", files=(wrong,)), empty_home)
    with pytest.raises(IntegrityError, match="were not used"):
        gallery.subscribe("bert")
    assert not gallery.is_subscribed("bert")


def test_only_a_quantised_file_carries_a_tokenizer(folder: Path, empty_home: Path) -> None:
    made = CardFile("tokenizer.json", "weights", "0" * 64, 9)
    write_card(card_of("bert", FAMILIES["bert"][1], source=f"folder:{folder}#model.safetensors", files=(made,)), empty_home)
    with pytest.raises(InputError, match="only from a GGUF file"):
        gallery.subscribe("bert")


def test_two_files_of_one_name_make_no_card(folder: Path) -> None:
    one = CardFile("tokenizer.json", "weights", "0" * 64, 9)
    with pytest.raises(InputError, match="one name"):
        replace(card_of("bert", {}), files=(one, one))
