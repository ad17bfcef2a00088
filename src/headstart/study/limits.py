"""What a model may weigh, take and be licensed under: wishes and a card in, the reason to leave it out, or none, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.base.errors import InputError
from headstart.gallery.card import ModelCard
from headstart.gallery.licences import is_allowed
from headstart.planning.facts import Wishes
from headstart.ranking.combine import LeftOut

BYTES_A_MEGABYTE = 1e6  # decimal, as disks and registries count
PERMISSIVE = "permissive"


@dataclass(frozen=True)
class Limits:
    """Constraints on the candidates; None is no limit.

    Attributes:
        max_mb: Megabytes of the weight file.
        max_ms: Milliseconds an item on this machine's fastest engine.
        licence: SPDX identifiers separated by commas, or ``permissive``.
    """

    max_mb: float | None = None
    max_ms: float | None = None
    licence: str | None = None

    def __post_init__(self) -> None:
        """Refuse limits that nothing could keep."""
        for name in ("max_mb", "max_ms"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                option = f"--{name.replace('_', '-')}"
                raise InputError(f"{option} must be above 0", got=f"{value:g}", fix=f"{option} 50, or leave it out")
        if self.licence is not None and not self.licence.strip(" ,"):
            raise InputError("--licence names no licence", fix=f"--licence {PERMISSIVE}")

    @classmethod
    def of(cls, wishes: Wishes) -> Limits:
        """Those that the user pinned, checked before any data is read.

        Raises:
            InputError: when nothing could keep one.
        """
        return cls(wishes.max_mb, wishes.max_ms, wishes.licence)

    def allowed(self, cards: Sequence[ModelCard], outside: list[LeftOut]) -> list[ModelCard]:
        """Those cards that keep within the limits as far as a card can tell; the others are added to ``outside``.

        Raises:
            InputError: when none does; it says which limit to lift.
        """
        outside += [LeftOut(card.name, reason) for card in cards if (reason := within(self, card, None))]
        inside = [card for card in cards if not within(self, card, None)]
        if not inside:
            raise self.nothing_left(outside)
        return inside

    def nothing_left(self, left_out: Sequence[LeftOut]) -> InputError:
        """What to say when no model keeps within the limits."""
        details = [f"{one.model}: {one.why}" for one in left_out]
        return InputError("no subscribed model keeps within the limits", details=details, fix=self.lift(left_out))

    def lift(self, left_out: Sequence[LeftOut]) -> str:
        """The line that would let the most models in again."""
        blamed = [one.why.split(":", 1)[0] for one in left_out if one.why.startswith("--")]
        return f"leave {max(sorted(set(blamed)), key=blamed.count)} out or widen it" if blamed else "headstart gallery subscribe NAME"


def within(limits: Limits, card: ModelCard, ms_per_item: float | None) -> str:
    """Why a model is outside the limits; empty when it keeps within them, or nobody knows yet.

    Example:
        >>> from headstart.gallery import card
        >>> within(Limits(max_mb=10), card("efficientnet_lite0"), None)
        '--max-mb: its weight file has 18.8 MB, more than 10'
        >>> within(Limits(licence="MIT,Apache-2.0"), card("efficientnet_lite0"), None)
        ''
    """
    size = card.bytes / BYTES_A_MEGABYTE
    if limits.max_mb is not None and size > limits.max_mb:
        return f"--max-mb: its weight file has {size:.1f} MB, more than {limits.max_mb:g}"
    if limits.licence is not None and not _licensed(limits.licence, card.licence):
        return f"--licence: it comes under {card.licence}"
    if limits.max_ms is not None and ms_per_item is not None and ms_per_item > limits.max_ms:
        return f"--max-ms: it takes {ms_per_item:.1f} ms an item here, more than {limits.max_ms:g}"
    return ""


def _licensed(wanted: str, licence: str) -> bool:
    names = {name.strip().casefold() for name in wanted.split(",") if name.strip()}
    if PERMISSIVE in names and is_allowed(licence):
        return True
    choices = [[part.strip().casefold() for part in choice.split(" AND ")] for choice in licence.split(" OR ")]
    return any(set(parts) <= names for parts in choices)
