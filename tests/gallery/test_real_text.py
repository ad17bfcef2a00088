"""Text cards for real: what means the same lies together, in English and Chinese; the published graph and a decoder's own task agree."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.gallery.test_real import published
from tokenizers import Tokenizer

from headstart import gallery
from headstart.backbone.build import Network, build
from headstart.backbone.cut import Backbone
from headstart.gallery import TextInput
from headstart.modality.tokens import checksum, tokens_of

pytestmark = pytest.mark.network
# Downloads of 70 to 440 MB each that nothing else needs.
heavy = pytest.mark.skipif(not os.environ.get("HEADSTART_TEST_HEAVY"), reason="set HEADSTART_TEST_HEAVY=1 to fetch and test the large text models too")

Subscribed = Callable[[str], Path]
ENGLISH = (("A man is eating food.", "Somebody has a meal."), ("The share prices fell today.", "Stocks went down sharply."), ("It rains.", "Wet weather."))
CHINESE = (("酒店房间很干净", "宾馆的卧室非常整洁"), ("这本书太无聊了", "小说很没意思，看不下去"), ("今天股市大跌", "股票价格下降得厉害"))


class Reader:
    """A text model with its tokenizer."""

    def __init__(self, name: str, weights: Path) -> None:
        self.card = gallery.card(name)
        assert isinstance(self.card.input, TextInput)
        self.given = self.card.input
        self.network: Network = build(self.card, weights)
        self.tokenizer = Tokenizer.from_file(str(weights.parent / self.given.tokenizer))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def ids(self, texts: list[str]) -> torch.Tensor:
        lists = [self.tokenizer.encode(self.given.prefix + text).ids for text in texts]
        longest = max(map(len, lists))
        return torch.tensor([one + [-1] * (longest - len(one)) for one in lists], dtype=torch.int32)

    def pairs_lie_together(self, pairs: tuple[tuple[str, str], ...]) -> bool:
        """Is each text nearer to its own pair than to any of the others'?"""
        with torch.no_grad():
            left, right = (torch.nn.functional.normalize(self.network(self.ids(list(side))), dim=1) for side in zip(*pairs, strict=True))
        return torch.equal((left @ right.T).argmax(1), torch.arange(len(pairs)))


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("minilm_l6", ENGLISH), ("e5_small_multilingual", ENGLISH), ("e5_small_multilingual", CHINESE),
        pytest.param("paraphrase_l3", ENGLISH, marks=heavy), pytest.param("mpnet_base", ENGLISH, marks=heavy),
    ],
)  # fmt: skip
def test_texts_that_mean_the_same_lie_together(name: str, pairs: tuple[tuple[str, str], ...], subscribed: Subscribed) -> None:
    reader = Reader(name, subscribed(name))
    assert sum(value.numel() for value in reader.network.parameters()) == reader.card.parameters
    assert {one.rpartition(".")[0] for one in reader.network.dropped} <= {"pooler.dense"}
    assert reader.pairs_lie_together(pairs)


def test_the_chinese_default_understands_both_languages_and_says_that_it_has_4_bits(subscribed: Subscribed) -> None:
    reader = Reader("e5_small_multilingual", subscribed("e5_small_multilingual"))
    across = tuple((english[0], chinese[0]) for english, chinese in zip((ENGLISH[1],), (CHINESE[2],), strict=True))
    assert reader.pairs_lie_together((*across, ("The book is boring.", CHINESE[1][0]), ("The room is clean.", CHINESE[0][0])))
    assert "4 bits" in reader.card.caveats[0] and not reader.network.net.table.requires_grad


def test_a_real_text_network_is_cut_anywhere_without_a_difference(subscribed: Subscribed) -> None:
    reader = Reader("minilm_l6", subscribed("minilm_l6"))
    ids = reader.ids([text for pair in ENGLISH for text in pair])
    backbone = Backbone(reader.network, ids[:1].clamp(min=0))
    with torch.no_grad():
        whole = reader.network(ids)
        assert all(torch.equal(backbone.part(cut, backbone.depth)(*backbone.part(0, cut)(ids))[0], whole) for cut in backbone.cuts[1:])


def test_openvino_is_right_enough_on_a_real_text_network(subscribed: Subscribed) -> None:
    from headstart.backbone.engines.openvino_engine import OpenVinoEngine

    reader = Reader("minilm_l6", subscribed("minilm_l6"))
    ids = reader.ids([text for pair in ENGLISH for text in pair])
    backbone = Backbone(reader.network, ids[:1].clamp(min=0))
    with torch.no_grad():
        expected = reader.network(ids)
    for precision in ("float32", "bfloat16"):
        engine = OpenVinoEngine(precision)
        if engine.available():
            found = engine.load(backbone.part(0, backbone.depth), (ids.numpy(),), backbone.chain[-1])((ids.numpy(),))[0]
            assert torch.nn.functional.cosine_similarity(torch.from_numpy(found), expected).min() > 0.99


@heavy
def test_a_graph_put_back_into_its_layers_equals_the_published_graph(subscribed: Subscribed, gallery_home: Path) -> None:
    import openvino

    reader = Reader("paraphrase_l3", subscribed("paraphrase_l3"))
    ids = reader.ids([text for pair in ENGLISH for text in pair])
    graph = openvino.Core().read_model(published(reader.card.source, gallery_home))
    compiled = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    real = (ids >= 0).numpy().astype(np.int64)
    given = {port.get_any_name(): port for port in compiled.inputs}
    values = {"input_ids": ids.clamp(min=0).numpy().astype(np.int64), "attention_mask": real, "token_type_ids": real * 0}
    answers = compiled({port: next(value for key, value in values.items() if key in name or name in key) for name, port in given.items()})
    with torch.no_grad():
        features = reader.network(ids).numpy()
    assert any(answer.shape == features.shape and np.abs(answer - features).max() < 1e-3 for answer in answers.values()), [a.shape for a in answers.values()]


@heavy
def test_a_text_of_word_vectors_is_the_mean_of_its_published_vectors(subscribed: Subscribed, gallery_home: Path) -> None:
    weights = subscribed("glove_50")
    card, network = gallery.card("glove_50"), build(gallery.card("glove_50"), weights)
    assert isinstance(card.input, TextInput)
    words = weights.parent / card.input.tokenizer
    ids = [tokens_of(text, str(words), checksum(words), 512) for text in ("The king, and the queen.", "the qqzzyx")]
    table = np.load(published(card.source, gallery_home))
    padded = torch.tensor([[*one, *[-1] * (len(ids[0]) - len(one))] for one in ids], dtype=torch.int32)
    with torch.no_grad():
        found = network(padded).numpy()
    assert ids[0][0] == ids[0][4] == 0 and ids[1].tolist() == [0, len(table)] and len(ids[0]) == 7
    assert np.abs(found[0] - table[ids[0]].mean(axis=0)).max() < 1e-5
    assert np.abs(found[1] - (table[0] + table.mean(axis=0)) / 2).max() < 1e-4
    backbone = Backbone(network, padded[:1])
    with torch.no_grad():
        whole = network(padded)
        assert backbone.cuts == (0, 1) and all(torch.equal(backbone.part(cut, 1)(*backbone.part(0, cut)(padded))[0], whole) for cut in backbone.cuts)


@heavy
@pytest.mark.parametrize(("name", "accept"), [("smollm2_135m", ()), ("gemma3_270m", ("Gemma",))])
def test_a_decoder_expects_english_in_its_order(name: str, accept: tuple[str, ...], empty_home: Path) -> None:
    gallery.subscribe(name, accept=accept)
    reader = Reader(name, gallery.weights(name))
    sentence = "The capital of France is Paris, and the capital of Germany is Berlin, a city on the river Spree."
    words = sentence.split()
    scrambled = " ".join(words[number] for number in np.random.default_rng(0).permutation(len(words)))

    def loss(text: str) -> float:
        ids = reader.ids([text])
        net = reader.network.net
        with torch.no_grad():
            hidden = net.pool.norm(net.hidden(ids)[0])[0]
            return float(torch.nn.functional.cross_entropy(hidden[:-1] @ net.table.T, ids[0, 1:].long()))

    assert loss(sentence) < 3.5 and loss(scrambled) > loss(sentence) + 1.5
