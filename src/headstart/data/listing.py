"""What stands where, before anything is decoded: names, labels, groups and given parts of every item, and the words by which they are found."""

from __future__ import annotations

import json
import os
import re
import shlex
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from headstart.base.errors import Fault, InputError
from headstart.base.harmless import harmless
from headstart.data.rows import Rows

PARTS = ("train", "validation", "test")
_PART_WORDS = {"train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation"}
_PART_WORDS |= {"test": "test", "testing": "test", "eval": "test", "evaluation": "test", "训练": "train", "验证": "validation", "测试": "test"}
_PART_WORDS |= {"开发集": "validation"}  # without its last letter it speaks of builders
_SET = re.compile(r"(?:[_\s-]?(?:sets?|data|split)|数据集|数据|集)$")  # `train_set` and `训练集` are `train`
# Chinese writes without blanks: `酒店评论训练集` ends with a word of its own.
_WORDS_OF_NAMES = re.compile(r"[一-鿿]+?(?=(?:训练|验证|测试|开发)集(?![一-鿿]))|[一-鿿]+|[^\W\d_一-鿿]+")
FILE_WORDS = (
    "file_name",
    "filename",
    "file",
    "filepath",
    "file_path",
    "path",
    "image",
    "image_path",
    "image_file",
    "img",
    "picture",
    "photo",
    "文件",
    "文件名",
    "图片",
)
TEXT_WORDS: tuple[str, ...] = (
    "text",
    "texts",
    "sentence",
    "review",
    "review_text",
    "reviewtext",
    "content",
    "tweet",
    "body",
    "comment",
    "message",
    "post",
    "document",
    "question",
    "utterance",
    "headline",
    "title",
)
TEXT_WORDS += ("文本", "评论内容", "评价内容", "微博内容", "文本内容", "评论", "内容", "正文", "句子", "评价", "微博", "标题")
ALSO_TEXTS = ("answer", "response", "reply", "回答", "答案", "回复")  # never taken unasked: as often they are the label
AUDIO_WORDS = ("audio", "clip", "sound", "recording", "speech", "wav", "bytes", "音频")
IMAGE_WORDS = ("image", "img", "picture", "photo", "jpg", "jpeg", "png", "bytes", "content", "图片")
LABEL_WORDS: tuple[str, ...] = ("label", "labels", "class", "class_name", "target", "y", "category", "fine_label", "diagnosis", "species", "标签", "类别")
LABEL_WORDS += ("sentiment", "polarity", "stars", "rating", "emotion", "intent", "topic", "情感", "情绪", "极性", "评分", "星级", "分类")
GROUP_WORDS: tuple[str, ...] = (
    "group",
    "groups",
    "group_id",
    "patient",
    "patient_id",
    "subject",
    "subject_id",
    "person",
    "person_id",
    "participant",
    "speaker",
    "speaker_id",
    "spk",
    "spk_id",
    "client_id",
    "individual",
)
GROUP_WORDS += ("case_id", "slide", "slide_id", "video", "video_id", "clip_id", "session", "session_id", "scene", "site", "site_id", "患者", "病人", "分组")
GROUP_WORDS += tuple(who + what for who in ("说话人", "说话者", "发言人", "患者", "病人", "受试者") for what in ("", "_id", "编号"))
PEOPLE = ("speaker", "patient", "participant")  # as the last word too: `source_speaker`; an e-mail has a subject, a verb a first person
NUMBERED = (*PEOPLE, "subject", "person", "client")  # before a last `id`: `anon_patient_id`
NO_PEOPLE = frozenset({"native", "is", "has", "in", "out", "n", "num", "number", "count", "of", "age", "sex", "gender", "multi", "new"})  # `native_speaker`
SPLITS = ("split", "划分", "数据划分", "数据集划分")  # columns that mean nothing else
PART_COLUMNS = (*SPLITS, "subset", "partition", "part", "set")
NO_GROUP = "none"  # what a user says for: do not take the group column that was found by its name


@dataclass(frozen=True)
class Wanted:
    """The columns that a user names, where the data has columns; None for: the one found by its name.

    Attributes:
        text: The column that holds the text.
        label: The column that holds the class.
        group: The column of what must stay together; ``none`` for: there are no groups.
    """

    text: str | None = None
    label: str | None = None
    group: str | None = None

    @property
    def named(self) -> str | None:
        """The first of them, if there is one."""
        return self.text or self.label or self.group

    @property
    def by_use(self) -> dict[str, str]:
        """Those that are named, by what they are for."""
        return {what: name for what, name in vars(self).items() if name is not None}


@dataclass(frozen=True)
class Listing:
    """Every item that claims to be one, in a fixed order.

    Attributes:
        rows: How their bytes are fetched.
        sources: Their printable names, relative to the data set.
        labels: Their class names.
        groups: What may not be torn apart (a patient, a site); "" stands for an item of its own; None when nothing is known.
        parts: ``train``, ``validation`` or ``test`` where the data set says so; None when it does not.
        faults: What was left out so far, and why.
        classes: Class names in the order that the data set gives them; empty when it gives none.
        group_name: The column from which the groups come.
        notes: What a person should be told of how it was read.
        columns: Where it comes from a table, the columns that were taken.
    """

    rows: Rows
    sources: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...] | None = None
    parts: tuple[str, ...] | None = None
    faults: tuple[Fault, ...] = ()
    classes: tuple[str, ...] = ()
    group_name: str | None = None
    notes: tuple[str, ...] = ()
    columns: Wanted = Wanted()


def part_of(word: str) -> str | None:
    """The part that a folder, file or cell means: ``Valid`` is ``validation``; None when it means none.

    Example:
        >>> part_of("Val"), part_of("测试集"), part_of("cats")
        ('validation', 'test', None)
    """
    spelt = word.strip().lower()
    return _PART_WORDS.get(spelt) or _PART_WORDS.get(_SET.sub("", spelt))


def part_in(name: str) -> str | None:
    """The part that a file name speaks of: ``test-00000-of-00002.parquet``, ``data/flowers_train.parquet``."""
    return next((found for word in _WORDS_OF_NAMES.findall(name.lower()) if (found := part_of(word))), None)


def plain(text: str) -> str:
    """A class name in one spelling: macOS writes é as two letters, Linux as one, and both mean the same class; what a terminal would obey is escaped."""
    return harmless(" ".join(unicodedata.normalize("NFC", text).split("\n"))).strip()


def printable(name: str) -> str:
    """A file name that can be printed and written to JSON, even when the disk holds one that is not UTF-8."""
    return harmless(os.fsencode(name).decode("utf-8", "backslashreplace").replace(os.sep, "/").replace("\n", "\\n"))


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Class names sorted as a person would: ``2`` before ``10``.

    Example:
        >>> in_order({"10", "2", "b"})
        ('2', '10', 'b')
    """
    return tuple(sorted(names, key=lambda name: [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in re.split(r"(\d+)", name) if piece]))


def find_column(columns: Sequence[str], words: Sequence[str], taken: Iterable[str | None] = (), *, by_last_word: bool = False) -> str | None:
    """The column whose name comes first among the words, in any case; None when there is none.

    Args:
        columns: Names.
        words: What such a column may be called, the likeliest first.
        taken: Columns that are something else.
        by_last_word: Where no name fits, let the last word of one do: ``airline_sentiment`` is a sentiment.
    """
    return next(iter(find_columns(columns, words, taken, by_last_word=by_last_word)), None)


def find_columns(columns: Sequence[str], words: Sequence[str], taken: Iterable[str | None] = (), *, by_last_word: bool = False) -> list[str]:
    """Every column that `find_column` could have meant: those whose whole name is one of the words or, where none is, those whose last word is."""
    taken = set(taken)
    named: Mapping[str, str] = {_spelt(column): column for column in reversed(columns) if column not in taken}
    whole = {name.replace("_", ""): column for name, column in named.items()}  # `PatientID` is a `patient_id`
    last = {name.rsplit("_", 1)[-1]: column for name, column in reversed(list(named.items()))} if by_last_word else {}
    found = ([known[key] for word in words if (key := word.replace("_", "")) in known] for known in (whole, last))
    return next((list(dict.fromkeys(some)) for some in found if some), [])


def _spelt(column: str) -> str:
    return column.strip().lower().replace(" ", "_").replace("-", "_")


def _is_group(column: str) -> bool:
    """Whether the end of a column's name says that it tells people apart."""
    name = _spelt(column)
    *before, who = name.removesuffix("_id").split("_")
    return who in NUMBERED if name.endswith("_id") else who in PEOPLE and not NO_PEOPLE.intersection(before)


def pick_column(columns: Sequence[str], wanted: str | None, words: Sequence[str], what: str, where: str, taken: Iterable[str | None] = ()) -> str | None:
    """The column that the user names, else the one found by its name.

    Raises:
        InputError: when the user's column is not there.
    """
    if wanted is None:
        found = find_column(columns, words, taken, by_last_word=what in ("text", "label"))
        return next((column for column in columns if column not in taken and _is_group(column)), None) if found is None and what == "group" else found
    if wanted not in columns:
        raise InputError(f"{where} has no column for the {what} of that name", got=wanted, allowed=columns, fix=f"--{what} COLUMN, one of the allowed")
    return wanted


def pick_columns(columns: Sequence[str], item: str, label: str | None, group: str | None, where: str) -> tuple[str, str | None, str | None]:
    """The columns of the label, the group and the part; the label must be there.

    Raises:
        InputError: when no column can be the label, or a named one is missing.
    """
    found = pick_column(columns, label, LABEL_WORDS, "label", where, (item,))
    if found is None:
        others = [column for column in columns if column != item and column not in (group,)]
        if len(others) != 1:
            raise InputError(f"{where}: no column looks like the label", got=", ".join(columns), allowed=LABEL_WORDS, fix="--label COLUMN, one of its columns")
        found = others[0]
    wanted = None if group == NO_GROUP and NO_GROUP not in columns else group
    grouped = None if group == NO_GROUP and wanted is None else pick_column(columns, wanted, GROUP_WORDS, "group", where, (item, found))
    return found, grouped, find_column(columns, PART_COLUMNS, (item, found, grouped))


def could_be(columns: Sequence[str], wanted: Wanted, taken: Wanted) -> tuple[str, ...]:
    """What to tell a person where a column was taken by its name and others have such a name too.

    Args:
        columns: Of the table.
        wanted: Those that the user named: there is no doubt of them.
        taken: Those that were taken.

    Example:
        >>> could_be(["text", "topic", "category"], Wanted(), Wanted("text", "category"))
        ('the labels are those of the column category; topic could be the label too: --label topic',)
    """
    notes = []
    for what, words, others in (("text", (*TEXT_WORDS, *ALSO_TEXTS), (taken.label, taken.group)), ("label", LABEL_WORDS, (taken.text, taken.group))):
        column, said = getattr(taken, what), getattr(wanted, what)
        found = find_columns(columns, words, others, by_last_word=True) if column is not None and said is None else []
        if column in found and len(found) > 1:
            rest = [one for one in found if one != column]
            notes.append(f"the {what}s are those of the column {column}; {', '.join(rest)} could be the {what} too: --{what} {shlex.quote(rest[0])}")
    return tuple(notes)


def several_labels(where: str, column: str, cell: object) -> InputError:
    """What is said of a label column in which lists or objects stand."""
    shown = json.dumps(cell, ensure_ascii=False, default=str)
    fix = "headstart learns one class an item: choose a column with one, --label COLUMN"
    return InputError(f"{where}: the column {column} holds several labels an item", got=shown, fix=fix)


def parts_from(cells: Sequence[str], column: str, where: str) -> tuple[str, ...] | None:
    """The parts that a column names; None when it is not about parts.

    Raises:
        InputError: when some cells name a part and others do not.
    """
    parts = [part_of(cell) for cell in cells]
    unknown = sorted({cell or "(empty)" for cell, part in zip(cells, parts, strict=True) if part is None})
    if not unknown:
        return tuple(part for part in parts if part)
    if len(unknown) == len(set(cells)) and column.lower() not in SPLITS:
        return None
    raise InputError(
        f"{where}: the column {column} holds words that name no part",
        got=", ".join(unknown[:10]),
        allowed=_PART_WORDS,
        fix="write train, validation or test in every row",
    )
