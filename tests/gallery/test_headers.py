"""Headers of sound weight files are read as their libraries read them; the nasty ones stand in tests/nasty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from tests.nasty import weights

from headstart.base.errors import InputError
from headstart.gallery.gguf import BLOCKS, check_gguf
from headstart.gallery.headers import check_safetensors
from headstart.gallery.onnx_header import check_onnx

SHAPES = st.dictionaries(st.text("abc.", min_size=1, max_size=6), st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=5)
BOUNDED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@BOUNDED
@given(shapes=SHAPES, kind=st.sampled_from(["f4", "f2", "i8", "u1"]))
def test_what_the_library_of_safetensors_wrote_is_sound(shapes: dict[str, list[int]], kind: str, tmp_path: Path) -> None:
    save_file({name: np.zeros(shape, kind) for name, shape in shapes.items()}, tmp_path / "a.safetensors")
    assert {name: list(place.shape) for name, place in check_safetensors(tmp_path / "a.safetensors").items()} == shapes


@BOUNDED
@given(shapes=SHAPES, raw=st.booleans())
def test_what_the_library_of_onnx_wrote_is_sound(shapes: dict[str, list[int]], raw: bool, tmp_path: Path) -> None:
    made = [
        onnx.helper.make_tensor(name, 1, shape, np.zeros(shape, "f4").tobytes() if raw else [0.0] * int(np.prod(shape)), raw=raw)
        for name, shape in shapes.items()
    ]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], made)), tmp_path / "a.onnx")
    assert {name: list(place.shape) for name, place in check_onnx(tmp_path / "a.onnx").items()} == shapes


def test_notes_and_places_of_a_gguf_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(weights.GGUF["whole"][0])
    found = check_gguf(tmp_path / "a.gguf")
    assert found.notes == {"general.architecture": "llama"} and found.tensors["a"].shape == (16,) and found.begin % 32 == 0


def test_blocks_are_as_long_as_the_library_says() -> None:
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    assert {kind: sizes for kind, (_, *sizes) in BLOCKS.items()} == {kind: list(GGML_QUANT_SIZES[GGMLQuantizationType(kind)]) for kind in BLOCKS}


def test_a_refusal_names_the_file_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match=r"a\.safetensors is not a sound weight file[\s\S]*fix: fetch it again"):
        check_safetensors(tmp_path / "a.safetensors")
