"""Every kind of picture file comes out as a person sees it, and every broken one is named."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, features
from tests.modality.photos import encoded, photo, tile

from headstart.modality import Unreadable, get
from headstart.modality.decode import PIXELS_MAX, opened, upright
from headstart.modality.image import ImageRecipe as Recipe

IMAGE = get("image")
CORNER = 12


def seen(content: bytes) -> NDArray[np.int64]:
    """The pixels as a person sees them, (height, width, 3)."""
    with opened(content) as picture:
        return np.asarray(upright(picture).convert("RGB")).astype(np.int64)


def reason(content: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        IMAGE.examine(content)
    with pytest.raises(Unreadable):
        IMAGE.prepare(content, Recipe(32))
    return caught.value.reason


def marked() -> Image.Image:
    """A wide picture, green, with red in its upper left corner."""
    picture = Image.new("RGB", (64, 32), (0, 200, 0))
    picture.paste((220, 0, 0), (0, 0, CORNER, CORNER))
    return picture


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_that_the_camera_stored_sideways_is_seen_upright(orientation: int, kind: str) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that stores the upright picture in this orientation
    stored = marked() if orientation == 1 else marked().transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(stored, kind, exif=exif, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}))
    pixels = seen(content)
    assert pixels.shape == (32, 64, 3)
    assert pixels[2, 2, 0] > 150 and pixels[2, 2, 1] < 60
    assert pixels[-3, 2, 1] > 150 and pixels[2, -3, 1] > 150
    examined = IMAGE.examine(content)
    assert examined.size == (64, 32)


def test_damaged_exif_does_not_spoil_a_good_picture() -> None:
    content = encoded(tile(0), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff" + b"\xff" * 20)
    assert seen(content).shape == (48, 48, 3)


def test_what_is_transparent_is_white_and_what_is_half_transparent_is_half_white() -> None:
    red = Image.new("RGBA", (8, 8), (200, 0, 0, 255))
    red.putpixel((0, 0), (200, 0, 0, 0))
    red.putpixel((1, 0), (200, 0, 0, 128))
    pixels = seen(encoded(red))
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert np.abs(pixels[0, 1] - [227, 127, 127]).max() <= 1
    assert pixels[4, 4].tolist() == [200, 0, 0]


def test_grey_with_transparency_and_palette_with_transparency_have_white_behind() -> None:
    grey = Image.new("LA", (4, 4), (50, 255))
    grey.putpixel((0, 0), (50, 0))
    assert seen(encoded(grey))[0, 0].tolist() == [255, 255, 255]
    assert seen(encoded(grey))[2, 2].tolist() == [50, 50, 50]
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.putpixel((0, 0), 0)
    for kind, clear in (("PNG", 0), ("GIF", 0), ("PNG", b"\x00\xff")):
        pixels = seen(encoded(palette, kind, transparency=clear))
        assert pixels[0, 0].tolist() == [255, 255, 255]
        assert pixels[2, 2].tolist() == [10, 20, 30]


def test_a_transparent_colour_of_rgb_and_of_grey_is_white() -> None:
    picture = Image.new("RGB", (4, 4), (9, 9, 9))
    picture.putpixel((0, 0), (1, 2, 3))
    assert seen(encoded(picture, transparency=(1, 2, 3)))[0, 0].tolist() == [255, 255, 255]
    assert seen(encoded(Image.new("L", (4, 4), 7), transparency=7))[1, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize("top", [4095, 65535])
def test_sixteen_bit_grey_is_stretched_over_its_own_range_and_never_clipped(top: int) -> None:
    ramp = np.linspace(0, top, 256).astype(np.uint16)[None].repeat(4, 0)
    for kind in ("PNG", "TIFF"):
        pixels = seen(encoded(Image.fromarray(ramp), kind))[0, :, 0]
        assert pixels[0] == 0 and pixels[-1] == 255
        assert np.abs(pixels - np.arange(256)).max() <= 1


def test_big_endian_thirty_two_bit_and_decimal_grey_come_out_too() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(4, 0)
    ramp[0, 5] = np.nan
    for values in (ramp, (np.nan_to_num(ramp) * 100_000).astype(np.int32)):
        pixels = seen(encoded(Image.fromarray(values), "TIFF"))[1, :, 0]
        assert np.abs(pixels - np.arange(256)).max() <= 1
    big = Image.frombytes("I;16B", (256, 1), np.linspace(0, 4095, 256).astype(">u2").tobytes())
    assert np.abs(seen(encoded(big, "TIFF"))[0, :, 0] - np.arange(256)).max() <= 1
    assert seen(encoded(Image.fromarray(np.full((4, 4), 300, np.uint16)))).max() == 0, "a constant has no range to stretch"


def test_cmyk_is_not_inverted_whether_adobe_wrote_it_or_not() -> None:
    wanted = np.asarray(photo().resize((64, 48))).astype(int)
    cmyk = photo().resize((64, 48)).convert("CMYK")
    jpeg = encoded(cmyk, "JPEG", quality=95)
    assert b"Adobe" in jpeg
    for content in (jpeg, encoded(cmyk, "TIFF")):
        assert IMAGE.examine(content).mode == "CMYK"
        assert np.abs(seen(content) - wanted).mean() < 6


def test_one_bit_and_grey_pictures_become_rgb() -> None:
    bit = Image.new("1", (8, 8), 1)
    bit.putpixel((0, 0), 0)
    for kind in ("PNG", "TIFF", "BMP"):
        pixels = seen(encoded(bit, kind))
        assert pixels[0, 0].tolist() == [0, 0, 0] and pixels[3, 3].tolist() == [255, 255, 255]
    assert np.array_equal(seen(encoded(tile(3).convert("L")))[..., 0], np.asarray(tile(3).convert("L")))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_counts(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ((250, 0, 0), (0, 250, 0), (0, 0, 250))]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert np.abs(seen(content)[8, 8] - [250, 0, 0]).max() <= 6


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF"])
def test_every_format_is_read_and_stopped_files_are_called_truncated(kind: str) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    content = encoded(photo().resize((200, 133)), kind)
    assert np.abs(seen(content) - np.asarray(photo().resize((200, 133)))).mean() < 12
    assert any(word in reason(content[: len(content) * 2 // 3]) for word in ("truncated", "damaged"))
    assert any(word in reason(content[:20]) for word in ("truncated", "damaged", "not a picture"))


def test_an_empty_file_and_files_of_other_kinds_are_named_as_what_they_are() -> None:
    assert reason(b"") == "empty file"
    assert reason(b"hello, I am a diary") == "not a picture"
    assert reason(b"%PDF-1.7 ...") == "a PDF, not a picture"
    assert reason(b"PK\x03\x04....") == "a ZIP archive, not a picture"
    assert "SVG" in reason(b"<svg xmlns='http://www.w3.org/2000/svg'></svg>")
    assert reason(bytes(1000)) == "not a picture"
    assert reason(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n") == "not a picture", "PostScript is a program and is not run"


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG that claims any size."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_pixel_bomb_is_refused_by_its_header_before_anything_is_decoded() -> None:
    assert "too many pixels (3,600 million; at most 179 million)" in reason(png(60_000, 60_000))
    assert "too many pixels" in reason(png(PIXELS_MAX // 1000 + 1, 1000))
    assert "too many pixels" in reason(png(2**31 - 1, 2**31 - 1))


def test_a_picture_that_pillow_warns_about_is_read_in_silence() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with opened(png(12_000, 10_000)) as picture:
            assert picture.size == (12_000, 10_000)
        assert any(filter_[0] == "error" for filter_ in warnings.filters)


def test_zero_size_is_named() -> None:
    assert "zero size" in reason(png(0, 10))
    assert "zero size" in reason(png(10, 0))


def test_files_damaged_at_any_byte_are_read_or_named_and_never_crash() -> None:
    draw = np.random.default_rng(0)
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"):
        whole = bytearray(encoded(tile(5).convert("P") if kind == "GIF" else tile(5), kind))
        for _ in range(60):
            broken = bytearray(whole)
            for place in draw.integers(0, len(whole), 3):
                broken[place] = int(draw.integers(256))
            try:
                IMAGE.examine(bytes(broken))
                assert IMAGE.prepare(bytes(broken), Recipe(16)).shape == (3, 16, 16)
            except Unreadable as error:
                assert 0 < len(error.reason) < 160 and "\n" not in error.reason


def test_many_threads_decode_at_once_and_leave_the_filters_of_warnings_as_they_were() -> None:
    before = list(warnings.filters)
    contents = [encoded(tile(number), "PNG") for number in range(40)] + [b"", png(60_000, 60_000)] * 5

    def shape(content: bytes) -> object:
        try:
            return IMAGE.prepare(content, Recipe(16)).shape
        except Unreadable:
            return None

    with ThreadPoolExecutor(8) as pool:
        shapes = list(pool.map(shape, contents * 5))
    assert shapes.count((3, 16, 16)) == 200
    assert list(warnings.filters) == before


def test_a_file_beyond_the_limit_of_bytes_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headstart.modality.image.BYTES_MAX", 1 << 20)
    assert "larger than 1 MiB" in reason(bytes((1 << 20) + 1))


def test_decoding_leaves_no_file_open() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        stream = io.BytesIO(encoded(tile(1), "TIFF"))
        assert seen(stream.getvalue()).shape == (48, 48, 3)
