"""Conversion: five formats become safetensors in the file's own order, and a file that holds more than tensors is refused unexecuted."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from safetensors import safe_open
from tests.gallery.small import card_for

from headstart.backbone.matching import read
from headstart.base.errors import InputError
from headstart.gallery.conversion import convert, is_disk_full

NAMES = ("z.weight", "a.weight", "m.bias")  # not in alphabetical order, as safetensors would have them


class Boom:
    """Leaves a file behind if anybody unpickles it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


class Huge:
    """Asks for an array of a terabyte."""

    def __reduce__(self) -> tuple[Any, ...]:
        return np.ndarray, ((1 << 37,), np.dtype("f8"))


def converted(path: Path, written_as: str, **changes: Any) -> dict[str, torch.Tensor]:
    to = path.with_name("out.safetensors")
    convert(card_for(path, format=written_as, **changes), path, to)
    return read(to)


def tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = ((4, 3, 2, 2), (5, 4), (5,))
    return {name: torch.rand(shape, generator=generator) for name, shape in zip(NAMES, shapes, strict=True)}


@pytest.mark.parametrize("around", ["", "state_dict", "model"])
@pytest.mark.parametrize("before", ["", "module."])
def test_a_torch_file_keeps_order_and_bits_whatever_is_wrapped_around(around: str, before: str, tmp_path: Path) -> None:
    state = {before + name: value for name, value in tensors().items()}
    torch.save({around: state, "epoch": 3} if around else state, tmp_path / "w.pth")
    found = converted(tmp_path / "w.pth", "torch")
    assert tuple(found) == NAMES and all(torch.equal(found[name], value) for name, value in tensors().items())


def test_tensors_that_share_memory_are_written_apart(tmp_path: Path) -> None:
    whole = torch.arange(6.0)
    torch.save({"a": whole, "b": whole[:3], "c": whole.view(2, 3).T}, tmp_path / "w.pth")
    found = converted(tmp_path / "w.pth", "torch")
    assert torch.equal(found["b"], whole[:3]) and torch.equal(found["c"], whole.view(2, 3).T)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_numpys_format_gives_arrays_by_path_and_turns_kernels(protocol: int, tmp_path: Path) -> None:
    kernel, bias = np.random.default_rng(0).random((2, 2, 3, 4), dtype=np.float32), np.ones(4, np.float32)
    (tmp_path / "w.pkl").write_bytes(pickle.dumps({"conv": [kernel, bias], "dense": (np.eye(2, 3),)}, protocol=protocol))
    found = converted(tmp_path / "w.pkl", "numpy-pickle", layout="hwio")
    assert {name: tuple(value.shape) for name, value in found.items()} == {"conv.0": (4, 3, 2, 2), "conv.1": (4,), "dense.0": (3, 2)}
    assert torch.equal(found["conv.0"], torch.from_numpy(kernel).permute(3, 2, 0, 1))


@pytest.mark.parametrize("written_as", ["numpy-pickle", "torch"])
def test_a_file_with_code_in_it_is_refused_and_the_code_does_not_run(written_as: str, tmp_path: Path) -> None:
    path, mark = tmp_path / "w.pkl", tmp_path / "executed"
    content = {"w": np.ones(3) if written_as == "numpy-pickle" else torch.ones(3), "x": Boom(mark)}
    path.write_bytes(pickle.dumps(content)) if written_as == "numpy-pickle" else torch.save(content, path)
    with pytest.raises(InputError, match="mkdir"):
        converted(path, written_as)
    assert not mark.exists() and not (tmp_path / "out.safetensors").exists()


def test_a_file_that_asks_for_a_terabyte_meets_the_bound(tmp_path: Path) -> None:
    (tmp_path / "w.pkl").write_bytes(pickle.dumps([Huge()]))
    with pytest.raises(InputError, match="cannot be read as numpy-pickle"):
        converted(tmp_path / "w.pkl", "numpy-pickle")


@pytest.mark.parametrize("value", ["text", {"a": 1.5}, np.array(["text"]), np.array([None])])
def test_what_is_no_array_of_numbers_is_refused(value: object, tmp_path: Path) -> None:
    (tmp_path / "w.pkl").write_bytes(pickle.dumps({"w": value}))
    with pytest.raises(InputError, match="array"):
        converted(tmp_path / "w.pkl", "numpy-pickle")


def test_a_graph_gives_weights_in_order_of_use_and_linear_layers_by_name(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    arrays = {"numbered": np.random.default_rng(0).random((2, 3), dtype=np.float32), "fc.bias": np.ones(3, np.float32), "early": np.ones((1, 2), np.float32)}
    nodes = [
        helper.make_node("Mul", ["x", "early"], ["y"]),
        helper.make_node("MatMul", ["y", "numbered"], ["z"]),
        helper.make_node("Add", ["fc.bias", "z"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes, "small", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])], [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(value, name) for name, value in arrays.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(graph), tmp_path / "w.onnx")
    found = converted(tmp_path / "w.onnx", "onnx")
    assert tuple(found) == ("early", "fc.weight", "fc.bias")
    assert np.array_equal(found["fc.weight"].numpy(), arrays["numbered"].T)


def test_a_graph_whose_weights_lie_elsewhere_is_refused(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.ones((64, 64), np.float32), "w")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 64]) for name in ("x", "y")]
    model = helper.make_model(helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", ends[:1], ends[1:], [weight]))
    onnx.save(model, tmp_path / "w.onnx", save_as_external_data=True, location="beside.bin", size_threshold=0)
    with pytest.raises(InputError, match="another file"):
        converted(tmp_path / "w.onnx", "onnx")


def test_keras_weights_come_by_path_with_kernels_turned(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["block/conv/vars/0"] = np.ones((3, 3, 2, 5), np.float32)
        file["block/conv/vars/1"] = np.zeros(5, np.float32)
    found = converted(tmp_path / "w.h5", "keras-h5", layout="hwio")
    assert {name: tuple(value.shape) for name, value in found.items()} == {"block.conv.vars.0": (5, 2, 3, 3), "block.conv.vars.1": (5,)}


def test_a_keras_file_that_points_elsewhere_is_refused(tmp_path: Path) -> None:
    import h5py

    (tmp_path / "secret").write_bytes(bytes(40))
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("w", (5,), "f8", external=[(str(tmp_path / "secret"), 0, 40)])
    with pytest.raises(InputError, match="another file"):
        converted(tmp_path / "w.h5", "keras-h5")


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_array_of_a_numpy_file_is_read_without_an_unpickler(order: Literal["C", "F"], tmp_path: Path) -> None:
    table = np.array(np.random.default_rng(0).normal(size=(7, 3)), np.float32, order=order)
    np.save(tmp_path / "w.npy", table)
    assert np.array_equal(converted(tmp_path / "w.npy", "npy")["array"].numpy(), table)
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="plain numbers"):
        converted(tmp_path / "objects.npy", "npy")


@pytest.mark.parametrize("written_as", ["safetensors", "torch", "numpy-pickle", "onnx", "keras-h5", "npy"])
def test_rubbish_is_refused_with_the_format_that_was_expected(written_as: str, tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"this is no weight file at all " * 9)
    with pytest.raises(InputError, match=f"cannot be read as {written_as}"):
        converted(tmp_path / "w", written_as)


def test_the_written_file_is_plain_safetensors(tmp_path: Path) -> None:
    torch.save(tensors(), tmp_path / "w.pth")
    converted(tmp_path / "w.pth", "torch")
    with safe_open(tmp_path / "out.safetensors", framework="pt") as opened:
        assert set(opened.keys()) == set(NAMES)


def test_a_full_disk_is_named_whoever_notices_it(tmp_path: Path) -> None:
    code = "import numpy, resource, signal; from safetensors.numpy import save_file; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    code += f"resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9)); save_file({{'a': numpy.ones(99)}}, {str(tmp_path / 'w')!r})"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr.splitlines()[-1]
    too_large, full = f"os error {errno.EFBIG}", f"os error {errno.ENOSPC}"
    assert too_large in said and not is_disk_full(said) and is_disk_full(said.replace(too_large, full))


@pytest.mark.parametrize(
    "deed", ["__import__('socket').create_connection(('127.0.0.1', 9))", "__import__('os').system('true')", "__import__('subprocess').run(['true'])"]
)
def test_the_subprocess_can_neither_connect_nor_start_programs(deed: str) -> None:
    code = f"from headstart.gallery.convert import _close_doors\n_close_doors()\ntry:\n    {deed}\nexcept PermissionError as error:\n    print('closed')"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    assert subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout == "closed\n"
