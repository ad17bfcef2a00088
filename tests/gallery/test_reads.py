"""What a text model without a card reads is what its publisher says; where nobody does, its words may tell, and else it is unknown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.gallery.small import card_for, timm_files, write_card
from tests.gallery.test_text_models import files_of

from headstart import gallery
from headstart.base.errors import InputError
from headstart.cli.app import run
from headstart.gallery import ModelCard, TextInput, reads

E5 = json.dumps({"prompts": {"query": "query: ", "passage": "passage: "}, "default_prompt_name": None})


@pytest.fixture
def model(tmp_path: Path, empty_home: Path) -> Callable[..., str]:
    """A source whose folder holds a tiny network and what a publisher put beside it."""

    def made(name: str = "bert-base", **beside: str) -> str:
        folder = tmp_path / name
        folder.mkdir()
        for file, content in files_of("bert").items():
            (folder / file).write_bytes(content)
        for file, text in beside.items():
            (folder / {"readme": "README.md", "prompts": "config_sentence_transformers.json"}[file]).write_text(text, encoding="utf-8")
        return f"folder:{folder}"

    return made


def card_of(source: str, **told: Any) -> ModelCard:
    return gallery.subscribe(source, accept=["unknown"], **told).card


def input_of(source: str, **told: Any) -> TextInput:
    given = card_of(source, **told).input
    assert isinstance(given, TextInput)
    return given


@pytest.mark.parametrize(
    ("front", "languages"),
    [
        ("language: zh", ("zh",)),
        ('language: "zh-CN"  # simplified', ("zh",)),
        ("language: [multilingual, zh]", ("multilingual",)),
        ("language:\n- Chinese\n- en\ntags:\n- mteb", ("zh", "en")),
        ("tags:\n- en\nlanguage:\n  - zh\n", ("zh",)),
        ("license: mit", ("unknown",)),
        ("language: code", ("unknown",)),
    ],
)
def test_the_languages_of_a_model_card_are_read(front: str, languages: tuple[str, ...], model: Callable[..., str]) -> None:
    card = card_of(model(readme=f"---\nlicense: mit\n{front}\n---\n# It\nlanguage: fr\n"))
    assert isinstance(card.input, TextInput) and card.input.languages == languages
    assert (reads.NOBODY_SAYS in card.caveats) == (languages == ("unknown",))


@pytest.mark.parametrize(
    ("name", "beside", "prefix"),
    [
        ("words", {"prompts": E5}, "query: "),
        ("words", {"prompts": json.dumps({"prompts": {"q": "ask ", "text": "say "}, "default_prompt_name": "text"})}, "say "),
        (
            "words",
            {"prompts": json.dumps({"prompts": {"Classification": "task: classification | query: ", "query": "search: "}})},
            "task: classification | query: ",
        ),
        ("words", {"prompts": json.dumps({"prompts": {"query": "Represent this sentence for searching relevant passages: "}})}, ""),
        ("words", {"readme": '# It\nEach input text should start with "query: " or "passage: ", even for non-English texts.'}, "query: "),
        ("multilingual-e5-base", {}, "query: "),
        ("multilingual-e5-large-instruct", {}, ""),
        ("words", {}, ""),
    ],
)
def test_what_a_model_was_taught_to_see_before_each_text_stands_there(name: str, beside: dict[str, str], prefix: str, model: Callable[..., str]) -> None:
    assert input_of(model(name, **beside)).prefix == prefix


def test_a_vocabulary_that_is_mostly_chinese_tells_and_an_english_one_does_not() -> None:
    chinese, english = [chr(0x4E00 + n) for n in range(2000)], [f"word{'x' * n}" for n in range(1500)]
    cyrillic = [f"слово{'x' * n}" for n in range(300)]
    for words, languages in (
        (chinese + english, ("zh",)),
        (english + chinese[:20], ("unknown",)),
        (english + chinese[:300] + cyrillic, ("multilingual",)),
        (chinese[:50], ("unknown",)),
    ):
        for vocabulary in ({word: n for n, word in enumerate(words)}, [[word, -1.0] for word in words]):
            found, caveat = reads.languages_of("", {"model": {"vocab": vocabulary}})
            assert found == languages and caveat in reads.NOT_SAID
    assert reads.languages_of("", {"model": None}) == (("unknown",), reads.NOBODY_SAYS)


def test_what_the_user_says_counts_before_and_after_subscribing(model: Callable[..., str]) -> None:
    source = model(readme="---\nlanguage: en\n---\n")
    assert input_of(source).languages == ("en",)
    assert input_of(source, languages=["zh", "en"], prefix="query: ") == replace(input_of(source), languages=("zh", "en"), prefix="query: ")
    assert input_of("folder--bert-base").languages == ("zh", "en") and input_of("folder--bert-base", prefix="").prefix == ""
    told = card_of(model("other"), languages=["multilingual"])
    assert reads.NOBODY_SAYS not in told.caveats and gallery.card("folder--other") == told
    with pytest.raises(InputError, match="two letters"):
        card_of(source, languages=["chinese!"])


def test_what_somebody_wrote_a_card_for_is_not_changed_by_an_option(tmp_path: Path, empty_home: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(timm_files("test_resnet")["model.safetensors"])
    write_card(card_for(weights), empty_home)
    with pytest.raises(InputError, match="models of texts"):
        gallery.subscribe("small", languages=["zh"])
    with pytest.raises(InputError, match="without a card"):
        gallery.subscribe("minilm_l6", prefix="query: ")


def test_the_options_of_the_command_say_it_and_what_nobody_says_is_told(model: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["gallery", "subscribe", model(), "--accept-licence", "unknown"]
    assert run(typed) == 0 and "nobody says which languages" in " ".join(capsys.readouterr().out.split())
    assert run([*typed, "--languages", "zh, en", "--prefix", "query: "]) == 0 and "nobody says" not in capsys.readouterr().out
    assert input_of("folder--bert-base") == TextInput(40, prefix="query: ", languages=("zh", "en"))
