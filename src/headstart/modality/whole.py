"""Is a sound file whole? Its bytes in; a refusal out where its format states a length that is not there: libsndfile reads what is left without a word.

A length that a program left open while it wrote (0, the largest number, -1) states nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from mmap import mmap

from headstart.modality.protocol import Unreadable

Content = bytes | mmap
STREAMED = frozenset(  # what is written for "unknown"; 2 GiB by ALSA's arecord, which puts it right at its end if it can
    {0, 0x7FFFFFFF, 0x7FFFFFFF - 36, 0x7FFFFF00, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF - 36, 0x7FFFF000, (1 << 63) - 1, (1 << 64) - 1}
)
CHUNKS_MAX = 10_000  # a file of more is left to the decoder
# Of the formats that are chunks, each with its length: where the first begins, how name and length are written, bytes of these that the length counts in,
# and the number of which chunks take a multiple. Sources: Microsoft and IBM 1991, "Multimedia Programming Interface and Data Specifications 1.0" (RIFF);
# Apple 1989 (AIFF) and 2005 (CAF); EBU Tech 3306 (RF64); Sonic Foundry 1999 (Wave64).
CHUNKS = {
    b"RIFF": (12, "<4sI", 0, 2),
    b"RF64": (12, "<4sI", 0, 2),
    b"FORM": (12, ">4sI", 0, 2),
    b"caff": (8, ">4sq", 0, 1),
    b"riff": (40, "<16sQ", 24, 8),
}
SOUND = (b"data", b"SSND")
OGG_HEADER_BYTES = 27
OGG_LAST_PAGE = 4  # header type flag, RFC 3533, section 6
ID3_HEADER_BYTES, ID3_FOOTER = 10, 0x10  # ID3v2.4, section 3
FRAME_WITHIN = 1 << 16  # bytes behind the tags in which the first frame of an MP3 begins
# Bytes of side information of a frame of layer III: of MPEG 1 and of MPEG 2 and 2.5, with two channels and with one (ISO/IEC 11172-3, 2.4.1.7).
SIDE_BYTES = {True: (32, 17), False: (17, 9)}
KILOBITS = {True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320), False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)}
HERTZ = (44_100, 48_000, 32_000)  # of MPEG 1; half of it of MPEG 2, a quarter of MPEG 2.5
GRANULE_SAMPLES = 576  # a frame has two of them in MPEG 1, one in MPEG 2 and 2.5
DROPPED_FRACTION, DROPPED_FRAMES = 0.01, 3  # what a decoder leaves out by right: the frame of the header, and what the encoder had put around the sound


def refuse_truncated(content: Content) -> None:
    """Compare what a format states of its length with the bytes that are there.

    Raises:
        Unreadable: when some are missing.
    """
    start = content[:4]
    if start in CHUNKS and (start != b"RIFF" or content[8:12] == b"WAVE"):
        _refuse_short_chunks(content)
    elif start == b".snd" and len(content) >= 12:
        begin, stated = struct.unpack_from(">II", content, 4)
        _refuse_missing(stated, len(content) - begin)
    elif start == b"OggS":
        _refuse_short_ogg(content)
    elif start[:3] == b"ID3" or start[:1] == b"\xff":
        _refuse_short_mp3(content)


def refuse_dropped(content: Content, samples: int) -> None:
    """Compare the frames of an MP3 file with the samples that its decoder is going to give.

    Where no length is stated it gives what it estimates from the first frames, and where two files were joined, what the first one states.

    Raises:
        Unreadable: when much of the sound would be dropped.

    Cost: about 30 ms an hour of sound.
    """
    place, there, lost, one, rate = _first_frame(content, _behind_tags(content)), 0, 0, 0, 1
    while place is not None:
        mpeg1, kilobits, hertz, padding = _header(content, place)
        granules = 2 if mpeg1 else 1
        end = place + granules * GRANULE_SAMPLES // 8 * 1000 * kilobits // hertz + padding
        if kilobits and _is_frame(content, end):  # a header that no other follows may be chance, and one frame more or less does not matter
            place, rate, one = end, hertz, granules * GRANULE_SAMPLES
            there += one
        elif (lost := lost + 1) > CHUNKS_MAX:
            return
        else:
            behind = _behind_tags(content, end)
            place = _first_frame(content, behind if behind > end else place + 1)
    if there > (1 + DROPPED_FRACTION) * samples + DROPPED_FRAMES * one:
        raise Unreadable(f"an MP3 of {there / rate:.1f} s of which its decoder would give only {samples / rate:.1f} s: save it as WAV or FLAC")


def _refuse_missing(stated: int, there: int) -> None:
    if stated > there and stated not in STREAMED:
        raise Unreadable(f"truncated: {stated - max(0, there):,} of {stated:,} bytes of sound are missing")


def _refuse_short_chunks(content: Content) -> None:
    """The chunk of the sound says how long it is; in RF64, whose numbers would be too small for that, the chunk ``ds64`` says it."""
    long = 0
    for name, begin, stated in _chunks(content):
        if name == b"ds64" and begin + 16 <= len(content):
            long = struct.unpack_from("<Q", content, begin + 8)[0]
        if name in SOUND:
            _refuse_missing(long if long and stated == 0xFFFFFFFF else stated, len(content) - begin)
            return


def _chunks(content: Content) -> Iterator[tuple[bytes, int, int]]:
    """Name, beginning and stated length of each chunk's content, as far as they are there."""
    place, written, counted, multiple = CHUNKS[content[:4]]
    head = struct.calcsize(written)
    for _ in range(CHUNKS_MAX):
        if place + head > len(content):
            return
        name, length = struct.unpack_from(written, content, place)
        length -= counted
        if length < 0:
            return
        yield name[:4], place + head, length
        place += head + length
        place += -place % multiple


def _refuse_short_ogg(content: Content) -> None:
    """The last page says that it is the last, and how long its segments are (RFC 3533, section 6)."""
    last = content.rfind(b"OggS")
    body = last + OGG_HEADER_BYTES
    if len(content) < body or not content[last + 5] & OGG_LAST_PAGE:
        raise Unreadable("truncated: its last page is missing")
    segments = content[body : body + content[body - 1]]
    if len(content) < body + content[body - 1] + sum(segments):
        raise Unreadable("truncated: the end of its last page is missing")


def _refuse_short_mp3(content: Content) -> None:
    """An encoder writes how many bytes there are from the first frame on into that frame, behind its side information ("Xing" or "Info"), or does not."""
    frame = _first_frame(content, _behind_tags(content))
    if frame is None:
        return
    mpeg1, one_channel = content[frame + 1] & 0x18 == 0x18, content[frame + 3] & 0xC0 == 0xC0
    for checksum_bytes in (0, 2):  # LAME writes it where it would stand without a checksum, others behind the checksum
        place = frame + 4 + SIDE_BYTES[mpeg1][one_channel] + checksum_bytes
        if content[place : place + 4] in (b"Xing", b"Info") and len(content) >= place + 16:
            flags = struct.unpack_from(">I", content, place + 4)[0]
            if flags & 2:  # the field is there
                _refuse_missing(struct.unpack_from(">I", content, place + 8 + 4 * (flags & 1))[0], len(content) - frame)
            return


def _behind_tags(content: Content, place: int = 0) -> int:
    """Where the tags at a place end; their lengths are written with seven bits a byte."""
    while content[place : place + 3] == b"ID3" and place + ID3_HEADER_BYTES <= len(content):
        length = 0
        for byte in content[place + 6 : place + ID3_HEADER_BYTES]:
            length = length << 7 | byte & 0x7F
        place += ID3_HEADER_BYTES * (2 if content[place + 5] & ID3_FOOTER else 1) + length
    return place


def _first_frame(content: Content, begin: int) -> int | None:
    """Where the first header of a frame of layer III stands."""
    place = content.find(b"\xff", begin, begin + FRAME_WITHIN)
    while place >= 0:
        if _is_frame(content, place):
            return place
        place = content.find(b"\xff", place + 1, begin + FRAME_WITHIN)
    return None


def _is_frame(content: Content, place: int) -> bool:
    """Does the header of a frame of layer III stand there: eleven bits set, and no value that the standard keeps free?"""
    if place > len(content) - 4 or content[place] != 0xFF:
        return False
    second, third = content[place + 1], content[place + 2]
    return second & 0xE6 == 0xE2 and second & 0x18 != 0x08 and third & 0xF0 != 0xF0 and third & 0x0C != 0x0C


def _header(content: Content, place: int) -> tuple[bool, int, int, int]:
    """Of a frame: is it MPEG 1, its kilobits and its samples a second, and by how many bytes it is padded."""
    version, third = content[place + 1] >> 3 & 3, content[place + 2]
    return version == 3, KILOBITS[version == 3][third >> 4], HERTZ[third >> 2 & 3] >> {3: 0, 2: 1, 0: 2}[version], third >> 1 & 1
