"""Who reads the corpus: the doors of the package through which files of others come in, by name; run in a child that `bounded` holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Read = Callable[[Path, Path], Any]


def archive(path: Path, _: Path) -> Any:
    from headstart.data.unpacked import unpacked

    return unpacked(path)


def package(path: Path, work: Path) -> Any:
    from headstart.gallery import archives

    return archives.unpack(path, work / "package", lambda _: True)


def picture(path: Path, _: Path) -> Any:
    from headstart.gallery.card import InputRecipe
    from headstart.modality import get

    modality, content = get("image"), path.read_bytes()
    recipe = modality.recipe(InputRecipe(32, 1.0, "bilinear", (0.5,) * 3, (0.5,) * 3), path.parent, None)  # type: ignore[arg-type]
    return modality.examine(content), modality.prepare(content, recipe), modality.plain_features(content), modality.preview(content)


def clip(path: Path, _: Path) -> Any:
    from headstart.modality import get

    modality, content = get("audio"), path.read_bytes()
    return modality.examine(content), modality.plain_features(content)


def table(path: Path, _: Path) -> Any:
    from headstart.data import load

    return load(path, minimum_per_class=1)


def weights(written_as: str) -> Read:
    def read(path: Path, work: Path) -> Any:
        from headstart.base.errors import InputError
        from headstart.gallery import readers

        work_on = readers.prepare(written_as)
        try:
            return work_on(path, work / "out.safetensors", "oihw")
        except Exception as error:  # what `gallery.convert`, whose process this is otherwise, does with it
            raise InputError(f"{type(error).__name__}: {error}") from error

    return read


def gguf(path: Path, _: Path) -> Any:
    from headstart.gallery.gguf import check_gguf

    return check_gguf(path)


def config(path: Path, _: Path) -> Any:
    from headstart.gallery.configs import read_config

    return read_config(path)


def plain_json(path: Path, _: Path) -> Any:
    from headstart.base.files import read_json

    return read_json(path)


def shard(path: Path, _: Path) -> Any:
    from headstart.activations.shard import open_shard

    opened = open_shard(path)
    return opened.damaged(range(len(opened.items)))


READERS: dict[str, Read] = {
    "archive": archive, "package": package, "picture": picture, "clip": clip, "table": table, "gguf": gguf, "config": config, "json": plain_json,
    "shard": shard, **{name: weights(name) for name in ("safetensors", "onnx", "torch", "numpy-pickle", "keras-h5", "npy")},
}  # fmt: skip
# What a reader needs loaded before it forks: a child that had to load it would spend its time and memory on that.
MODULES = {
    "archive": ("headstart.data.unpacked",), "package": ("headstart.gallery.archives",), "picture": ("headstart.modality.image", "headstart.gallery.card"),
    "clip": ("headstart.modality",), "table": ("headstart.data",), "gguf": ("headstart.gallery.gguf",), "config": ("headstart.gallery.configs",),
    "json": ("headstart.base.files",), "shard": ("headstart.activations.shard",), "safetensors": ("headstart.gallery.readers", "safetensors.numpy"),
    "onnx": ("headstart.gallery.readers", "safetensors.numpy", "onnx"), "torch": ("headstart.gallery.readers", "torch", "safetensors.torch"),
    "numpy-pickle": ("headstart.gallery.readers", "safetensors.numpy"), "keras-h5": ("headstart.gallery.readers", "safetensors.numpy", "h5py"),
    "npy": ("headstart.gallery.readers", "safetensors.numpy"),
}  # fmt: skip
