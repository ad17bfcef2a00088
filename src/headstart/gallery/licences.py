"""The licence gate: permissive licences pass, every other one must be accepted by name before a byte is fetched or loaded.

In: a licence (SPDX) and the names that the user accepts. Out: whether an acceptance was needed, or a LicenceError.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable

from headstart.base.errors import LicenceError
from headstart.gallery.card import ModelCard

# Licences that allow use, change and sale with at most a duty to name the author (SPDX identifiers).
ALLOWED = (
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC0-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0",
    "ISC", "MIT", "MIT-0", "NCSA", "ODC-By-1.0", "PDDL-1.0", "PSF-2.0", "PostgreSQL", "Unlicense", "Zlib",
)  # fmt: skip
UNKNOWN = "unknown"
_SPELLINGS = {licence.casefold(): licence for licence in ALLOWED} | {"pddl": "PDDL-1.0", "odc-by": "ODC-By-1.0", "bsl": "BSL-1.0"}


def spelling(licence: str | None) -> str:
    """The SPDX spelling of a licence as hubs write it: ``apache-2.0`` becomes ``Apache-2.0``, nothing becomes ``unknown``."""
    text = (licence or "").strip()
    return _SPELLINGS.get(text.casefold(), text) or UNKNOWN


def together(terms: Iterable[str]) -> str:
    """One expression that passes only if each of several does: a choice stays inside brackets, and what a publisher writes cannot close them.

    Example:
        >>> together(["CC-BY-NC-4.0", "GPL-3.0-only OR MIT"])
        'CC-BY-NC-4.0 AND (GPL-3.0-only OR MIT)'
    """
    known = [term.replace("(", "[").replace(")", "]") for term in terms]  # square ones are in no licence: what has brackets of its own is asked about
    return " AND ".join(f"({term})" if re.search(r"\bOR\b", term) else term for term in known)


def is_allowed(licence: str) -> bool:
    """Whether a licence, or an expression such as ``MIT AND (BSD-2-Clause OR GPL-3.0-only)``, is on the list of permissive ones.

    Example:
        >>> is_allowed("MIT AND Apache-2.0"), is_allowed("MIT AND GPL-3.0-only"), is_allowed("MIT OR GPL-3.0-only")
        (True, False, True)
    """
    while inner := re.search(r"\(([^()]*)\)", licence):
        licence = f"{licence[: inner.start()]} {'MIT' if is_allowed(inner[1]) else UNKNOWN} {licence[inner.end() :]}"
    return any(all(part.strip().casefold() in _SPELLINGS for part in re.split(r"\bAND\b", choice)) for choice in re.split(r"\bOR\b", licence))


def demand(card: ModelCard, accept: Collection[str], requested: str = "") -> bool:
    """Let a card pass or refuse it.

    Args:
        card: The card; its licence decides.
        accept: Licences (or names of models) whose terms the user accepts.
        requested: What the user called the model, where it is not the card's name: ``hf:owner/name``.

    Returns:
        True when the licence is outside the list and the user accepted it; False when no acceptance was needed.

    Raises:
        LicenceError: when it is outside the list and nobody accepted it.
    """
    if is_allowed(card.licence):
        return False
    if {card.licence.casefold(), card.name.casefold()} & {name.strip().casefold() for name in accept}:
        return True
    says = f"comes under {card.licence}, which is not on the list of permissive licences" if card.licence != UNKNOWN else "names no licence"
    raise LicenceError(
        f"{card.name} {says}: read its terms, then accept them by name",
        details=[note for note in (card.licence_note, f"source: {card.source}") if note],
        fix=f"headstart gallery subscribe {shlex.quote(requested or card.name)} --accept-licence {shlex.quote(card.licence)}",
    )
