"""Model cards: those that are shipped are complete, the user's own are read, wrong ones are refused with every fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.gallery.small import card_for, write_card

from headstart import gallery
from headstart.base.errors import InputError
from headstart.base.records import read_toml, to_toml
from headstart.gallery import ModelCard, licences, sources

VISION = (
    "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "mobilenet_v2", "resnet50_thin", "squeezenet1_1", "vgg16_edges", "vit_s14_focus",
)  # fmt: skip
TEXT = ("e5_small_multilingual", "glove_50", "minilm_l6", "mpnet_base", "paraphrase_l3", "smollm2_135m")
AUDIO = ("crepe_tiny", "keyword_resnet50", "resemblyzer", "silero_vad", "speech_embedding")
RESTRICTED = ("gemma3_270m",)  # not under an open licence: the gate asks
SHIPPED = (*VISION, *TEXT, *AUDIO)


def test_every_card_is_shipped_and_the_default_comes_first(empty_home: Path) -> None:
    assert {card.name for card in gallery.cards()} >= {*SHIPPED, *RESTRICTED}
    assert {card.name for card in gallery.cards() if card.modality == "image"} == set(VISION)
    assert {card.name for card in gallery.cards() if card.modality == "audio"} == set(AUDIO)
    assert gallery.cards()[0].name == gallery.DEFAULT


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_card_says_everything_a_careful_person_asks(name: str, empty_home: Path) -> None:
    card = gallery.card(name)
    joined = sources.parse_joined(card.source)
    assert len(card.sha256) == 64 and card.bytes > 1_000_000 and card.parameters > 100_000
    assert str(joined) == card.source and all(source.version and source.member for source in joined.slices)
    assert licences.is_allowed(card.licence) and card.licence_note
    assert card.prior is not None or any("no prior" in caveat for caveat in card.caveats)


def test_a_card_survives_its_own_toml(tmp_path: Path, empty_home: Path) -> None:
    for card in gallery.cards():
        path = tmp_path / "card.toml"
        path.write_text(to_toml(card), encoding="utf-8")
        assert read_toml(ModelCard, path) == card


def test_a_users_card_is_found_beside_the_shipped_ones(tmp_path: Path, empty_home: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"x")
    write_card(card_for(tmp_path / "w.pth", "mine"), empty_home)
    assert gallery.card("mine").title == "Small"
    assert [card.name for card in gallery.search("random numbers")] == ["mine"]


def test_a_users_card_may_not_take_the_name_of_another(tmp_path: Path, empty_home: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"x")
    write_card(card_for(tmp_path / "w.pth", "mobilenet_v2"), empty_home)
    with pytest.raises(InputError, match="name of another card"):
        gallery.cards()


def test_a_wrong_card_is_refused_with_all_its_faults(tmp_path: Path, empty_home: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"x")
    text = to_toml(card_for(tmp_path / "w.pth", "mine")).replace("size = 160", "size = 0").replace('keys = "name"', 'keys = "luck"')
    (empty_home / "cards").mkdir()
    (empty_home / "cards" / "mine.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        gallery.cards()
    assert "size must be above 0" in str(caught.value) and "luck" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "../escape"), ("name", "Upper"), ("architecture", "keras:vgg"), ("sha256", "abc"), ("licence", " "), ("bytes", -1)],
)
def test_a_card_with_an_impossible_value_cannot_be_made(field: str, value: object, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"x")
    with pytest.raises(InputError):
        card_for(tmp_path / "w.pth", **{field: value})


def test_a_misspelt_name_is_answered_with_the_one_that_was_meant(empty_home: Path) -> None:
    with pytest.raises(InputError, match="did you mean: efficientnet_lite0"):
        gallery.card("efficentnet_lite0")


def test_words_find_cards_in_any_order(empty_home: Path) -> None:
    assert [card.name for card in gallery.search("imagenet CAFFE")] == []
    for word in ("chinese", "Chinese", "中文", "zh"):
        found = {card.name for card in gallery.search(word)}
        assert {"e5_small_multilingual", "gemma3_270m"} <= found and "minilm_l6" not in found
    assert [card.name for card in gallery.search("edges vgg16")] == ["vgg16_edges"]
    assert {card.name for card in gallery.search("apache lite")} == {"efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"}


@pytest.mark.parametrize(
    "text",
    ["pypi:a==1#b", "npm:@x/y@1.2.3#package/m.bin", "npm:y@1.0.0", "hf:owner/name", "hf:owner/name@main#f.bin", "timm:resnet18.a1_in1k", "folder:/a b/c#d"],
)
def test_a_source_is_read_and_written_alike(text: str) -> None:
    assert str(sources.parse(text)) == text


@pytest.mark.parametrize("text", ["pypi:a==1#x + pypi:b==1#y", "pypi:a==1#x + pypi:b==1#y > inner/z", "pypi:a==1#x.zip > z", "folder:/a + b > c/d#e"])
def test_a_file_in_slices_or_inside_an_archive_is_read_and_written_alike(text: str) -> None:
    assert str(sources.parse_joined(text)) == text


def test_a_slice_of_no_known_form_is_refused() -> None:
    with pytest.raises(InputError, match="pypi:NAME==VERSION"):
        sources.parse_joined("pypi:a==1#x + y")


@pytest.mark.parametrize("text", ["", "pypi:a", "pypi:a>=1", "hf:name", "http://x/y", "pypi:-e==1", "npm:--flag@1", "folder:"])
def test_a_source_of_no_known_form_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(InputError, match="pypi:NAME==VERSION"):
        sources.parse(text)
