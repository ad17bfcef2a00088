"""What a recording's bytes hold, whatever its format; and what is said of those that hold nothing."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.modality.sounds import RATE, encoded, word

from headstart.modality import Unreadable
from headstart.modality.sound import decode, refuse_header, resampled, wav
from headstart.modality.stream import streamed
from headstart.modality.whole import KILOBITS

FORMATS = [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None), ("AIFF", "PCM_16")]
FORMATS += [("AU", "PCM_16"), ("CAF", "PCM_16"), ("W64", "PCM_16"), ("RF64", "PCM_16")]


@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
def test_every_format_gives_the_samples_that_went_in(kind: str, subtype: str | None) -> None:
    sound = decode(encoded(word(1), kind=kind, subtype=subtype))
    assert (sound.rate, sound.channels) == (RATE, 1)
    n = min(len(sound.samples), len(word(1)))
    assert np.corrcoef(sound.samples[:n], word(1)[:n])[0, 1] > 0.98


def test_channels_become_their_mean() -> None:
    stereo = np.stack([word(1), word(2)], axis=1)
    sound = decode(encoded(stereo, kind="WAV", subtype="FLOAT"))
    assert sound.channels == 2 and np.allclose(sound.samples, stereo.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.6, 0.97])
def test_a_truncated_file_is_named(kind: str, subtype: str | None, share: float) -> None:
    whole = encoded(word(1, 3.0), kind=kind, subtype=subtype)
    with pytest.raises(Unreadable, match=r"truncated|damaged|not a recording|missing"):
        decode(whole[: int(len(whole) * share)])


def tagged(frames: bytes, said: bytes) -> bytes:
    """An MP3 file behind an ID3 tag with a comment."""
    body = b"\0eng\0" + said
    tag = b"COMM" + struct.pack(">IH", len(body), 0) + body
    return b"ID3\x03\0\0" + bytes(len(tag) >> shift & 127 for shift in (21, 14, 7, 0)) + tag + frames


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("said", [b"Info from the label", b"Xing Records" * 9])
def test_words_in_a_tag_are_not_taken_for_the_length_of_an_mp3(said: bytes, channels: int, rate: int) -> None:
    with_length = encoded(np.stack([word(1, 2.0)] * channels, axis=1), rate=rate, kind="MP3", bitrate_mode="CONSTANT", compression_level=0.5)
    place = max(with_length.find(b"Xing"), with_length.find(b"Info"))
    assert place > 0
    without = with_length[:place] + bytes(4) + with_length[place + 4 :]
    for whole in (without, with_length):
        assert len(decode(tagged(whole, said)).samples) > 0
    with pytest.raises(Unreadable, match="truncated"):
        decode(tagged(with_length[: len(with_length) * 2 // 3], said))


def long_mp3(seconds: float, seed: int = 0) -> bytes:
    """Loud noise, then as much that is nearly silent: a variable bit rate writes the second half with few bits."""
    loud = 0.3 * np.random.default_rng(seed).standard_normal(int(seconds * 44_100 / 2))
    samples = np.concatenate([loud, loud / 3000]).astype(np.float32)
    return encoded(samples, 44_100, "MP3", bitrate_mode="VARIABLE", compression_level=0.5)


def headless(mp3: bytes) -> bytes:
    """Without its first frame, which states the length: its size follows from its kilobits."""
    size = 144 * KILOBITS[True][mp3[2] >> 4] * 1000 // 44_100 + (mp3[2] >> 1 & 1)
    assert mp3[0] == 0xFF == mp3[size] and mp3.find(b"Info") + mp3.find(b"Xing") > 0
    return mp3[size:]


def test_an_mp3_of_which_the_decoder_would_drop_a_part_is_refused_with_the_way_out(tmp_path: Path) -> None:
    whole = long_mp3(20)
    assert decode(whole).seconds == pytest.approx(20, abs=0.1)
    assert decode(tagged(whole, b"once") + b"TAG" + bytes(125)).seconds == pytest.approx(20, abs=0.1)
    for content in (headless(whole), whole + long_mp3(10, seed=1), tagged(whole, b"one") + tagged(long_mp3(10, seed=1), b"two")):
        with pytest.raises(Unreadable, match=r"^an MP3 of .* s of which its decoder would give only .*: save it as WAV or FLAC$"):
            decode(content)
        (tmp_path / "said.mp3").write_bytes(content)
        with pytest.raises(Unreadable, match="save it as WAV or FLAC"):
            next(streamed(tmp_path / "said.mp3", RATE))


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_mp3_files_of_every_rate_are_read_with_a_length_and_of_constant_bit_rate_without(rate: int, channels: int) -> None:
    with_length = encoded(np.tile(word(1, 2.0, rate)[:, None], channels), rate=rate, kind="MP3", bitrate_mode="CONSTANT", compression_level=0.5)
    place = max(with_length.find(b"Xing"), with_length.find(b"Info"))
    picture = np.random.default_rng(0).bytes(300_000)  # behind the sound, as some programs put it
    for content in (with_length, with_length[:place] + bytes(4) + with_length[place + 4 :], with_length + picture):
        assert decode(content).seconds >= 1.9


def test_channels_that_cancel_out_are_not_silent() -> None:
    for left in (word(1), word(1) + np.float32(0.001)):
        sound = decode(encoded(np.stack([left, -word(1)], axis=1), kind="WAV", subtype="FLOAT"))
        assert sound.channels == 2 and np.allclose(sound.samples, left, atol=1e-6)
    long = np.tile(word(1), 100)
    assert np.allclose(decode(encoded(np.stack([long, -long, 0 * long], axis=1), kind="WAV", subtype="FLOAT")).samples, long, atol=1e-6)
    one_sided = decode(encoded(np.stack([word(1), 0 * word(1)], axis=1), kind="WAV", subtype="FLOAT"))
    assert np.allclose(one_sided.samples, word(1) / 2, atol=1e-6)
    with pytest.raises(Unreadable, match="silent"):
        decode(encoded(np.zeros((RATE, 2), np.float32), kind="WAV", subtype="FLOAT"))


def test_a_length_that_a_program_left_open_is_no_damage() -> None:
    content = bytearray(encoded(word(1), kind="AU", subtype="PCM_16"))
    content[8:12] = b"\xff" * 4
    assert len(decode(bytes(content)).samples) == len(word(1))


def test_what_holds_no_sound_is_named() -> None:
    tone = word(3)
    for samples, reason in (
        (np.zeros(RATE, np.float32), "silent"),
        (np.where(np.arange(len(tone)) == 7, np.nan, tone), "not numbers"),
        (np.where(np.arange(len(tone)) == 7, np.inf, tone), "not numbers"),
        (np.zeros(0, np.float32), "0 samples"),
        (tone[3000:3100], "too short"),
    ):
        with pytest.raises(Unreadable, match=reason):
            decode(encoded(samples.astype(np.float32), kind="WAV", subtype="FLOAT"))
    for content, reason in ((b"", "empty"), (b"%PDF-1.4 ...", "PDF"), (b"hello there, this is text", "not a recording"), (b"RIFF\0\0\0\0WAVE", "damaged")):
        with pytest.raises(Unreadable, match=reason):
            decode(content)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "M4A"),
        (b"\x1aE\xdf\xa3\x01\0\0\0", "WebM"),
        (b"#!AMR\n<", "AMR"),
        (b"0&\xb2u\x8ef\xcf\x11", "WMA"),
    ],
)
def test_what_telephones_and_browsers_record_is_named_with_the_way_out(start: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=f"{said}.* WAV or FLAC"):
        decode(start + bytes(2000))


def test_a_header_that_promises_hours_is_refused_before_anything_is_decoded() -> None:
    samples = 1 << 30
    stream_info = struct.pack(">HH", 4096, 4096) + bytes(6) + ((16_000 << 44) | (0 << 41) | (15 << 36) | samples).to_bytes(8, "big") + bytes(16)
    with pytest.raises(Unreadable, match=r"too long|damaged"):
        decode(b"fLaC" + b"\x80" + len(stream_info).to_bytes(3, "big") + stream_info + bytes(100))


def test_a_stream_whose_header_states_no_length_is_read_to_its_end() -> None:
    content = bytearray(encoded(word(1), kind="WAV", subtype="PCM_16"))
    content[40:44] = b"\xff\xff\xff\xff"
    assert len(decode(bytes(content)).samples) == len(word(1))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(range(len(FORMATS))), st.integers(0, 2000))
def test_no_bytes_raise_anything_but_unreadable(junk: bytes, which: int, place: int) -> None:
    content = bytearray(encoded(word(1, 0.3 + 0.1), kind=FORMATS[which][0], subtype=FORMATS[which][1]))
    content[place : place + len(junk)] = junk
    try:
        assert np.isfinite(decode(bytes(content)).samples).all()
    except Unreadable as error:
        assert error.reason


def test_a_damaged_aiff_that_points_before_its_beginning_is_refused_without_a_word_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    content = bytearray(encoded(word(1), kind="AIFF", subtype="PCM_16"))
    content[36:56] = bytes([255]) * 20
    with pytest.raises(Unreadable):
        decode(bytes(content))
    assert capfd.readouterr().err == ""


def test_resampling_keeps_a_tone() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100).astype(np.float32)
    wanted = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert np.abs(resampled(tone, 44_100, 16_000)[500:-500] - wanted[500:-500]).max() < 1e-3


def test_a_wav_that_was_written_is_read_back() -> None:
    assert np.abs(decode(wav(word(4), RATE)).samples - word(4)).max() < 1e-4


def test_a_length_that_a_recorder_left_open_states_nothing() -> None:
    """ALSA's arecord writes 2 GiB and puts it right when it is stopped, if it can: not into a pipe, and not where the power fails."""
    content = wav(word(1), RATE)
    open_ended = content[:4] + (0x80000024).to_bytes(4, "little") + content[8:40] + (0x80000000).to_bytes(4, "little") + content[44:]
    assert np.array_equal(decode(open_ended).samples, decode(content).samples)


def test_a_rate_that_no_recording_has_is_named_with_those_that_are_read() -> None:
    with pytest.raises(Unreadable, match=r"^1,000 samples a second, 2,000 to 384,000 are read$"):
        refuse_header("WAV", 1000, 1)
