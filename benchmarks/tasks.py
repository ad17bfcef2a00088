"""The image tasks of the benchmarks: a name, a number of pictures to fit on, a number to test on and a seed in, a folder with train/ and test/ out.

    python -m benchmarks.tasks [NAME ...] [--n 100] [--test 200] [--seed 0]

Every task is real and labelled by somebody else; packages are fetched by name and checked by their hash, laid out under headstart's home and never
shipped. The test part follows from the seed and its own size alone, so that fits on few and on many pictures are judged on the same ones. What is one
thing (an emoji drawn by two vendors, a man and a woman of one profession) stays on one side.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.data import Grey, copy, debian, fashion_arrays, filling, mnist_arrays, place, subject
from benchmarks.emoji import Drawn, noto, twemoji
from headstart.base.files import read_json, write_json
from headstart.base.seeds import seed_for
from headstart.gallery import archives
from headstart.study.solar_cells import INSIDE, PICTURES_LIMIT_BYTES, fetch_wheel

LEAST_PER_CLASS = 4  # pictures of each class in either part, where the numbers allow it: fewer cannot be split any further
LEVELS = {"0.0": "whole", "0.3333333333333333": "probably-whole", "0.6666666666666666": "probably-defective", "1.0": "defective"}
SIXTEEN = 16  # the digits' darkest value


@dataclass(frozen=True)
class Pool:
    """All pictures of a task.

    Attributes:
        labels: Class of each.
        units: What each is a picture of: pictures of one unit stay on one side.
        write: Writes the picture of an index to a PNG file.
    """

    labels: Sequence[str]
    units: Sequence[str]
    write: Callable[[int, Path], None]


@dataclass(frozen=True)
class Task:
    """A question about pictures.

    Attributes:
        name: Short name, also the folder's.
        title: Name for readers.
        licence: Of the pictures.
        pool: Fetches them, once.
        n: Usual number to fit on.
        test: Usual number to test on.
        balanced: Draw each class equally often instead of in its own share.
    """

    name: str
    title: str
    licence: str
    pool: Callable[[], Pool]
    n: int
    test: int
    balanced: bool = False

    def folder(self, n: int | None = None, test: int | None = None, seed: int = 0) -> Path:
        """Lay out ``n`` pictures under train/ and ``test`` others under test/, in class folders; the same numbers give the same files."""
        n, test = n or self.n, test or self.test
        where = f"tasks/{self.name}/{n}-and-{test}-seed-{seed}"
        with filling(where) as (folder, is_new):
            if is_new:
                pool = self.pool()
                for part, indices in divide(pool, n, test, seed, self.name, balanced=self.balanced).items():
                    for index in indices:
                        target = folder / part / pool.labels[index] / f"{index:05d}.png"
                        target.parent.mkdir(parents=True, exist_ok=True)
                        pool.write(index, target)
        return place(where)

    def most_test(self, n: int) -> int:
        """How many can be tested on when n are fitted on: all others but a few of each class, or what the rarest class allows where all are drawn equally."""
        counts = self.counts()
        return (min(counts.values()) * len(counts) if self.balanced else sum(counts.values())) - n - LEAST_PER_CLASS * len(counts)

    def counts(self) -> dict[str, int]:
        """How many pictures there are of each class; counted once, for a pool takes seconds to open and may lie on another machine."""
        kept = place(f"tasks/{self.name}/counts.json")
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_json(kept, dict(sorted(Counter(self.pool().labels).items())))
        return {str(name): int(count) for name, count in read_json(kept).items()}


def divide(pool: Pool, n: int, test: int, seed: int, purpose: str, *, balanced: bool = False) -> dict[str, list[int]]:
    """Draw a test part, then a train part from the units that are left; each class in its share.

    Returns:
        Indices of ``train`` and ``test``, ascending.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, unit in enumerate(pool.units):
        members[unit].append(index)
    units = sorted(members)
    random.Random(seed_for(seed, f"{purpose} units")).shuffle(units)
    parts: dict[str, list[int]] = {}
    used: set[str] = set()
    for part, wanted in (("test", test), ("train", n)):
        free = Counter(label for label, unit in zip(pool.labels, pool.units, strict=True) if unit not in used)
        there = {label: free[label] for label in sorted(free)}
        left = quotas(dict.fromkeys(there, 1) if balanced else there, wanted, there)
        taken = []
        for unit in units:
            mine = [index for index in members[unit] if left[pool.labels[index]] > 0] if unit not in used else []
            for index in mine:
                if left[pool.labels[index]] > 0:
                    left[pool.labels[index]] -= 1
                    taken.append(index)
                    used.add(unit)
        missing = {label: count for label, count in left.items() if count}
        if missing:
            raise SystemExit(f"{purpose}: {n} pictures to fit on and {test} to test on are more than there are; missing for {part}: {missing}")
        parts[part] = sorted(taken)
    return parts


def quotas(shares: Mapping[str, int], n: int, there: Mapping[str, int]) -> dict[str, int]:
    """Whole numbers in the proportion of the shares that sum to n (largest remainders), none below ``LEAST_PER_CLASS`` where n and what there is allow that.

    Example:
        >>> quotas({"rare": 1, "common": 99}, 20, {"rare": 10, "common": 990})
        {'rare': 4, 'common': 16}
    """
    total = sum(shares.values())
    counts = {label: n * share // total for label, share in shares.items()}
    by_remainder = sorted(shares, key=lambda label: (-(n * shares[label] % total), label))
    for label in by_remainder[: n - sum(counts.values())]:
        counts[label] += 1
    least = min(LEAST_PER_CLASS, n // len(shares))
    for label in sorted(shares):
        while counts[label] < min(least, there[label]):
            counts[max(counts, key=lambda one: counts[one])] -= 1
            counts[label] += 1
    return counts


def of_arrays(arrays: Callable[[], tuple[Grey, list[str]]]) -> Pool:
    """Grey pictures in memory, each its own unit."""
    pictures, labels = arrays()
    return Pool(labels, [str(n) for n in range(len(labels))], lambda index, file: Image.fromarray(pictures[index]).save(file, compress_level=1))


def digits_arrays() -> tuple[Grey, list[str]]:
    """The handwritten digits of 8 pixels that scikit-learn carries (Alpaydin and Kaynak, 1998)."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return np.minimum(found.images * SIXTEEN, 255).astype(np.uint8), [str(digit) for digit in found.target]


def stamps_pool() -> Pool:
    """Photographs cut out, filed by subject."""
    root = debian("tuxpaint-stamps-default") / "usr/share/tuxpaint/stamps"
    found = [(name, file) for file in sorted(root.rglob("*.png")) if (name := subject(file.relative_to(root).as_posix()))]
    return Pool([name for name, _ in found], [str(file) for _, file in found], lambda index, file: on_white(found[index][1]).save(file, compress_level=1))


def on_white(file: Path) -> Image.Image:
    """A cut-out on white: tools differ in what they make of transparency, and all shall see the same picture."""
    with Image.open(file) as opened:
        picture = opened.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def solar_rows() -> list[tuple[str, str, str]]:
    """Picture, level of damage and kind of crystal of every solar cell."""
    with tempfile.TemporaryDirectory() as scratch:
        table = archives.extract(fetch_wheel(), f"{INSIDE}labels.csv", Path(scratch) / "labels.csv", limit=1 << 20).read_text(encoding="utf-8")
    rows = [line.split() for line in table.splitlines() if line.strip()]
    return [(picture, LEVELS[level], crystal) for picture, level, crystal in rows]


@cache
def solar_pictures() -> Path:
    """All solar cells, unpacked once."""
    where = "fetched/solar-pictures"
    with filling(where) as (folder, is_new):
        if is_new:
            archives.unpack(fetch_wheel(), folder, lambda name: name.startswith(INSIDE) and name.endswith(".png"), limit=PICTURES_LIMIT_BYTES)
    return place(where) / INSIDE


def solar_pool(label: Callable[[str, str], str]) -> Pool:
    """Solar cells under a label made of level and crystal; those without a label are left out."""
    rows = [(picture, name) for picture, level, crystal in solar_rows() if (name := label(level, crystal))]
    return Pool([name for _, name in rows], [picture for picture, _ in rows], lambda index, file: copy(solar_pictures() / rows[index][0], file))


def emoji_pool(drawn: Sequence[Drawn], label: Callable[[Drawn], str]) -> Pool:
    """Emoji under a label."""
    return Pool([label(one) for one in drawn], [one.identity for one in drawn], lambda index, file: copy(drawn[index].file, file))


SOLAR = "CC BY-NC-SA 4.0 (ELPV, ZAE Bayern)"
TASKS = {
    task.name: task
    for task in (
        Task("stamps", "photo stamps, 12 subjects", "GPL-2", stamps_pool, 200, 99),
        Task("fashion", "Fashion-MNIST, 10 garments", "MIT", lambda: of_arrays(fashion_arrays), 500, 1000),
        Task("mnist", "MNIST, 10 digits of 28 px", "BSD-3-Clause", lambda: of_arrays(mnist_arrays), 500, 1000),
        Task("digits", "UCI digits of 8 px", "BSD-3-Clause", lambda: of_arrays(digits_arrays), 500, 1000),
        Task(
            "solar",
            "solar cells, whole or defective",
            SOLAR,
            lambda: solar_pool(lambda level, _: level if level in ("whole", "defective") else ""),
            640,
            400,
            True,
        ),
        Task("solar-levels", "solar cells, 4 levels of damage", SOLAR, lambda: solar_pool(lambda level, _: level), 500, 800),
        Task("solar-kind", "solar cells, kind of crystal (texture)", SOLAR, lambda: solar_pool(lambda _, crystal: crystal), 500, 1000, True),
        Task("emoji-noto", "emoji by Noto, 8 groups", "Apache-2.0", lambda: emoji_pool(noto(), lambda one: one.group), 500, 500),
        Task("emoji-twemoji", "emoji by Twemoji, 8 groups", "CC-BY-4.0", lambda: emoji_pool(twemoji(), lambda one: one.group), 500, 500),
        Task(
            "emoji-vendor",
            "emoji, who drew it (style)",
            "Apache-2.0 AND CC-BY-4.0",
            lambda: emoji_pool([*noto(), *twemoji()], lambda one: one.vendor),
            500,
            800,
        ),
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *TASKS], default=[])
    parser.add_argument("--n", type=int)
    parser.add_argument("--test", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for name in given.names or TASKS:
        task = TASKS[name]
        folder = task.folder(given.n, given.test, given.seed)
        counts = {part: len(list((folder / part).rglob("*.png"))) for part in ("train", "test")}
        classes = len(list((folder / "train").iterdir()))
        print(f"{name:14} {counts['train']:5} to fit on, {counts['test']:5} to test on, {classes:2} classes, {task.licence}: {folder}")


if __name__ == "__main__":
    main()
