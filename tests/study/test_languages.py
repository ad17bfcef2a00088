"""Which networks may compete follows from the language of the texts, however their files are encoded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.backbone.text_models import FAMILIES, card_of
from tokenizers import Tokenizer, models, pre_tokenizers

from headstart import gallery
from headstart.base.amounts import percent
from headstart.base.errors import InputError
from headstart.base.events import Event, silence
from headstart.data import load
from headstart.gallery import TextInput
from headstart.modality import get
from headstart.modality.words import COLUMNS
from headstart.ranking.combine import LeftOut
from headstart.study.items import prepared_for
from headstart.study.languages import Strange, cut_short, learnt, readers
from headstart.study.predict import predict
from headstart.task import sparse
from headstart.training.run import RunWriter

SAID = {"好评": "房间很干净，服务员态度也很好，下次还会再来", "差评": "早餐太差了，而且房间有烟味，等了半个小时才办好入住"}


@pytest.fixture
def gbk(tmp_path: Path) -> Path:
    for label, said in SAID.items():
        (tmp_path / label).mkdir()
        for n in range(12):
            (tmp_path / label / f"{n}.txt").write_bytes(f"{said}，第{n}次".encode("gbk"))
    return tmp_path


def test_chinese_files_in_gbk_leave_an_english_network_out(gbk: Path, empty_home: Path) -> None:
    outside: list[LeftOut] = []
    cards = [gallery.card("minilm_l6"), gallery.card("e5_small_multilingual")]
    assert [card.name for card in readers(cards, load(gbk), outside, silence)] == ["e5_small_multilingual"]
    assert [one.model for one in outside] == ["minilm_l6"] and "Chinese" in outside[0].why
    with pytest.raises(InputError, match="reads Chinese"):
        readers(cards[:1], load(gbk), [], silence)


def test_a_network_of_which_nobody_knows_what_it_reads_competes_with_a_note(gbk: Path, empty_home: Path) -> None:
    notes: list[Event] = []
    card = card_of("bert", FAMILIES["bert"][1], input=TextInput(20, languages=("unknown",)))
    assert readers([card], load(gbk), [], notes.append) == [card]
    assert any("nobody says which languages bert reads" in note.text and "--languages zh" in note.text for note in notes)


def test_a_network_without_a_card_that_is_left_out_comes_with_the_line_that_lets_it_in(gbk: Path, empty_home: Path) -> None:
    outside: list[LeftOut] = []
    unknown, english = (card_of("bert", FAMILIES["bert"][1], name=name, input=TextInput(20, languages=(name,))) for name in ("unknown", "en"))
    readers([unknown, english, gallery.card("minilm_l6")], load(gbk), outside, silence)
    assert [one.model for one in outside] == ["en", "minilm_l6"]
    assert "headstart gallery subscribe en --languages en,zh" in outside[0].why and "subscribe" not in outside[1].why


def test_texts_of_which_a_network_sees_the_beginning_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"好评": "very clean and friendly", "差评": "smoke in the room"}
    table = tmp_path / "reviews.csv"
    table.write_text("text,label\n" + "".join(f"{said} {n} {'and so on ' * 300 * (n % 4 == 0)},{label}\n" for label, said in words.items() for n in range(12)))
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    card, notes = card_of("bert", FAMILIES["bert"][1], input=TextInput(20)), list[Event]()
    folder = tmp_path / "gallery" / card.name
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    monkeypatch.setattr(gallery, "folder", lambda name: tmp_path / "gallery" / name)
    cut_short(card, prepared_for(card, load(table)), notes.append)
    (note,) = [one for one in notes if "tokens" in one.text]
    assert "first 20 tokens" in note.text and f"about {percent(0.25, 0)}" in note.text
    cut_short(replace(card, input=TextInput(2000)), prepared_for(replace(card, input=TextInput(2000)), load(table)), notes.append)
    assert len(notes) == 1


def test_texts_that_a_runs_network_cannot_read_are_counted_once_for_all(gbk: Path) -> None:
    notes: list[Event] = []
    strange, plain = Strange(("en",)), Strange(())
    for contents in ([said.encode() for said in SAID.values()], [b"the room was clean", b"die hard", "说得好".encode("gbk")]):
        strange.look(contents)
        plain.look(contents)
    for one in (strange, plain):
        one.tell(notes.append)
    assert [note.text.split(":")[1] for note in notes] == [" 3 of 5 texts are in Chinese, and this run's model reads English"]


def test_a_plain_model_reads_what_it_was_taught(gbk: Path, empty_home: Path) -> None:
    """Found as a bug: a plain model of English reviews labelled Chinese ones as surely, and nothing was said."""
    notes, counts = list[Event](), [get("text").plain_features(said) for said in (b"very clean", b"too loud")]
    head = sparse.head_on(sparse.stacked(counts, COLUMNS), np.arange(2), 2, 1.0)
    assert learnt(load(gbk)) == ("zh",)
    for languages in (["en"], ["en", "zh"], None):
        writer = RunWriter(gbk / f"run {languages}")
        writer.tensors("plain.safetensors", head.tensors())
        known = {} if languages is None else {"languages": languages}
        writer.json("model.json", {"chosen": "plain", "classes": list(SAID), "modality": "text", **known})
        writer.finish()
        predict(writer.folder, list(SAID.values()), sink=notes.append)
    assert [note.text.split(":")[1] for note in notes if note.kind == "note"] == [" 2 of 2 texts are in Chinese, and this run's model reads English"]


def test_a_model_that_reads_the_texts_and_is_subscribed_is_let_in_by_what_kept_it_out(gbk: Path, empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fix(*outside: LeftOut) -> str | None:
        with pytest.raises(InputError) as caught:
            readers([gallery.card("minilm_l6")], load(gbk), list(outside), silence)
        return caught.value.fix

    assert (fix() or "").startswith("headstart gallery subscribe ")
    monkeypatch.setattr(gallery, "is_subscribed", lambda name: name == "e5_small_multilingual")
    assert fix() == "--model e5_small_multilingual, or leave --model out"
    assert fix(LeftOut("e5_small_multilingual", "--max-mb: its weight file has 118 MB, more than 50")) == "leave --max-mb out or widen it"
