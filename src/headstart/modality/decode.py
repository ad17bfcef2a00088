"""Bytes of a picture file in, an upright picture out, in RGB or grey, whatever mode, depth or orientation the file has, or a short reason why not.

Traps that this file is about: cameras store sideways and say so in EXIF; cut-outs have transparency (white is put behind them);
16 bit files would be clipped to white; files lie about their size (pixel bombs) or stop in the middle.
"""

from __future__ import annotations

import io
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
from PIL import Image, UnidentifiedImageError

from headstart.modality.protocol import Unreadable

PIXELS_MAX = 178_956_970  # 512 MiB as RGB: above every camera short of 200 Mpx, and twice the size at which Pillow itself begins to warn
BYTES_MAX = 640 << 20  # PIXELS_MAX uncompressed, with some air; larger files are not read at all
ORIENTATION_TAG = 0x0112  # EXIF 2.3, 4.6.4 A
# In the order in which they are tried. Formats that start programs (EPS) or carry no signature (TGA) are not among them.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF", "DIB")
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIGNATURES = {
    b"%PDF": "a PDF, not a picture",
    b"PK\x03\x04": "a ZIP archive, not a picture",
    b"<svg": "an SVG drawing: export it as PNG",
    b"<?xml": "XML, not a picture",
}


class _Quiet:
    """Keeps Pillow's warnings from the user while any thread decodes: what matters is said as a reason.

    ``warnings.catch_warnings`` would restore the wrong filters when two threads overlap; this adds one entry for the first and removes it after the last.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads = 0
        self._entry: Any = None

    def __enter__(self) -> None:
        with self._lock:
            self._threads += 1
            if self._threads == 1:
                warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
                self._entry = warnings.filters[0]

    def __exit__(self, *error: object) -> None:
        filters: Any = warnings.filters
        with self._lock:
            self._threads -= 1
            if self._threads == 0 and self._entry in filters:
                filters.remove(self._entry)


_without_decoder_warnings = _Quiet()


@contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """Yield the picture with its header read and its claims checked; what goes wrong inside the block becomes `Unreadable`.

    Raises:
        Unreadable: with a reason in a few words.
    """
    if not content:
        raise Unreadable("empty file")
    try:
        with _without_decoder_warnings, Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            check_size(*picture.size)
            yield picture
    except Unreadable:
        raise
    except Exception as error:  # a decoder fed with damage raises anything at all: SyntaxError, struct.error, KeyError …
        _refuse(error, content)


def check_size(width: int, height: int) -> None:
    """Refuse a picture by what its header claims, before a byte of it is decoded."""
    if width < 1 or height < 1:
        raise Unreadable(f"zero size ({width} x {height} pixels)")
    if width * height > PIXELS_MAX:
        raise Unreadable(too_many(width * height))


def too_many(pixels: int) -> str:
    """What is said of a pixel bomb."""
    return f"too many pixels ({pixels / 1e6:,.0f} million; at most {PIXELS_MAX / 1e6:.0f} million)"


def upright(picture: Image.Image) -> Image.Image:
    """Decode, turn as the camera says, and give RGB, or L where it is grey, with white behind whatever is transparent.

    A grey picture is to be made RGB after it has been resized: the same numbers at a third of the price.
    """
    picture.load()
    turn = UPRIGHT.get(orientation(picture))
    seen = _plain(picture)
    return seen.transpose(turn) if turn is not None else seen


def orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 (as it is) to 8; damaged or missing EXIF means 1."""
    try:
        return int(picture.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # the pixels are good, only the notes about them are not
        return 1


def _plain(picture: Image.Image) -> Image.Image:
    """Bring any mode to RGB or L, 8 bit."""
    if picture.mode in ("RGB", "L") and "transparency" not in picture.info:
        return picture
    if picture.mode.startswith(("I", "F")):
        return _from_deep(picture)
    if picture.mode in ("La", "RGBa") or picture.has_transparency_data:
        seen = picture.convert({"La": "LA"}.get(picture.mode, "RGBA")).convert("RGBA")
        behind = Image.new("RGB", seen.size, "white")
        behind.paste(seen, mask=seen.getchannel("A"))
        return behind
    return picture.convert("RGB")


def _from_deep(picture: Image.Image) -> Image.Image:
    """16 and 32 bit grey to 8 bit, stretched from its darkest to its brightest value.

    The range that the file could hold says little: 10 or 12 bit sensors fill 16 bit files to a sixteenth, and Pillow's own conversion clips at 255.
    """
    values = np.asarray(picture).astype(np.float32)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    span = (high - low) or 1.0
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) * (255 / span)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _refuse(error: Exception, content: bytes) -> NoReturn:
    """Say in a few words of the user's what the decoder meant."""
    text = str(error).lower()
    if isinstance(error, Image.DecompressionBombError):
        claimed = re.search(r"\d+", text)  # Pillow stops at the same size, while it reads the header
        raise Unreadable(too_many(int(claimed[0]) if claimed else PIXELS_MAX)) from None
    if isinstance(error, UnidentifiedImageError):
        start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
        named = next((reason for mark, reason in _SIGNATURES.items() if start.startswith(mark)), "not a picture")
        raise Unreadable(_cut_header(content) or named) from None
    if isinstance(error, MemoryError):
        raise Unreadable("does not fit into memory") from None
    if isinstance(error, EOFError) or any(word in text for word in ("truncated", "not enough data", "unexpected end", "buffer is not large enough", "eof")):
        raise Unreadable("truncated") from None
    raise Unreadable(f"damaged ({' '.join(str(error).split())[:80] or type(error).__name__})") from None


def _cut_header(content: bytes) -> str | None:
    """A file that begins as a picture and cannot be opened stops within its header, or is damaged there."""
    starts = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
    whole = content.startswith(b"RIFF") and content[8:12] == b"WEBP"
    if not (whole or content.startswith(starts)):
        return None
    if (
        content.startswith(b"\x89PNG")
        and content[12:16] == b"IHDR"
        and len(content) >= 24
        and 0 in (int.from_bytes(content[16:20]), int.from_bytes(content[20:24]))
    ):
        return "zero size"
    return "truncated or damaged header"
