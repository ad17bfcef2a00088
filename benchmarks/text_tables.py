"""Tasks of ``benchmarks.texts`` in, a table (text, label, split) with so many training texts a class and fixed test texts out; and gallery networks as folders.

The test texts are the same for every number of labels and every seed: 1,000 drawn once, or all there are. Texts that are the same but for case, addresses,
names of accounts and digits are kept once. ``hub_folder`` writes a network of the gallery as the libraries of Hugging Face read it.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections import defaultdict
from pathlib import Path

from benchmarks.texts import LIMIT_BYTES, texts
from headstart import gallery
from headstart.base import files
from headstart.base.folders import home

TEST_ITEMS = 1000
LEAST_TRAIN = 4
SAME = re.compile(r"https?://\S+|@\w+|\brt\b|\W+|\d+|_", re.IGNORECASE)


def table(task: str, per_class: int | None, seed: int, *, train: int | None = None) -> Path:
    """The table of a task, written once.

    Args:
        task: A name of ``benchmarks.texts``.
        per_class: Training texts a class; None takes them as they come.
        seed: Draws the training texts.
        train: Where texts are taken as they come: how many of them; None for all.
    """
    name = f"{task}-{per_class or train or 'all'}{'' if per_class else '-as-they-come'}-seed{seed}"
    path = home() / "data" / "text-tables" / f"{name}.csv"
    if not path.is_file():
        learn, test = drawn(rows_of(task), per_class, seed, train)
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(["text", "label", "split"])
        writer.writerows([*((*row, "train") for row in learn), *((*row, "test") for row in test)])
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, stream.getvalue())
    return path


def rows_of(task: str) -> list[tuple[str, str, str]]:
    """Text, label, and the published part or nothing; of what is nearly the same the first."""
    csv.field_size_limit(LIMIT_BYTES)
    with texts(task).open(encoding="utf-8", newline="") as stream:
        rows = [(" ".join(row["text"].split()), row["label"], row.get("split") or "") for row in csv.DictReader(stream)]
    seen: set[str] = set()
    kept = []
    for row in sorted(rows, key=lambda row: row[2] != "test"):  # of a text in both published parts the one in the test part
        short = SAME.sub("", row[0]).lower()
        if short and short not in seen:
            seen.add(short)
            kept.append(row)
    return kept


def drawn(rows: list[tuple[str, str, str]], per_class: int | None, seed: int, train: int | None) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Training and test texts."""
    published = any(split for *_, split in rows)
    tests, learn = ([(a, b) for a, b, split in rows if (split == "test") is wanted] for wanted in (True, False)) if published else ([], [])
    if not published:
        learn = [(a, b) for a, b, _ in rows]
        random.Random("test").shuffle(learn)
        tests, learn = learn[:TEST_ITEMS], learn[TEST_ITEMS:]
    elif len(tests) > TEST_ITEMS:
        random.Random("test").shuffle(tests)
        tests = tests[:TEST_ITEMS]
    random.Random(seed).shuffle(learn)
    if per_class is None:
        return learn[:train], tests
    left: dict[str, int] = defaultdict(lambda: per_class)
    taken = []
    for text, label in learn:
        if left[label] > 0:
            left[label] -= 1
            taken.append((text, label))
    return taken, tests


def hub_folder(name: str, folder: Path) -> Path:
    """Write a BERT of the gallery with its tokenizer, pooling and longest text: what ``from_pretrained`` and SentenceTransformer read."""
    from headstart.backbone.build import build
    from headstart.backbone.torchvision_repair import import_torchvision

    import_torchvision()
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    card = gallery.card(name)
    weights = gallery.weights(name)
    state = build(card, weights).net.state_dict()
    theirs = {(f"embeddings.{key[6:]}" if key.startswith("embed.") else f"encoder.layer.{key[7:]}"): value for key, value in state.items()}
    model = BertModel(BertConfig(**dict(card.network)), add_pooling_layer=False)
    found = model.load_state_dict(theirs, strict=False)
    if found.unexpected_keys or found.missing_keys:
        raise SystemExit(f"the weights do not fit: {found}")
    model.save_pretrained(folder)
    file = weights.parent / card.input.tokenizer
    words = json.loads(file.read_text(encoding="utf-8"))["added_tokens"]
    special = {"[CLS]": "cls_token", "<s>": "cls_token", "[SEP]": "sep_token", "</s>": "sep_token", "[PAD]": "pad_token", "<pad>": "pad_token"}
    special |= {"[UNK]": "unk_token", "<unk>": "unk_token", "[MASK]": "mask_token", "<mask>": "mask_token"}
    named = {special[word["content"]]: word["content"] for word in words if word["content"] in special}
    PreTrainedTokenizerFast(tokenizer_file=str(file), model_max_length=card.input.max_tokens, **named).save_pretrained(folder)
    (folder / "modules.json").write_text(json.dumps(MODULES), encoding="utf-8")
    for part in ("1_Pooling", "2_Normalize"):  # as both networks are published
        (folder / part).mkdir(exist_ok=True)
    width = dict(card.network)["hidden_size"]
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": width, "pooling_mode_mean_tokens": True}), encoding="utf-8")
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": card.input.max_tokens}), encoding="utf-8")
    return folder


MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]
