"""A wake word from its recordings to a listener: the run, the threshold, and that a stream says what a whole file says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.modality.sounds import RATE
from tests.study.keyword_data import WORD, lay_out, rustle, spoken

import headstart
from headstart.backbone.networks.keyword_head import FRAMES, KeywordHead
from headstart.base.errors import InputError
from headstart.modality.sound import decode, wav
from headstart.study.keyword import Result, fit_keyword
from headstart.study.listening import STEP, Listener, chunks, open_listener


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A word by ten speakers, other words, a few minutes of background."""
    return lay_out(tmp_path_factory.mktemp("wake"))


@pytest.fixture(scope="module")
def fitted(data: Path, subscribed: Callable[[str], Path], gallery_home: Path) -> Result:
    subscribed("speech_embedding")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(gallery_home))
        return fit_keyword(data, out=data.parent / "run", false_accepts=60.0)


def test_a_wake_word_is_learnt_and_its_error_rates_have_intervals(fitted: Result) -> None:
    assert fitted.transfer.missed.n == 2 and fitted.transfer.missed.value == 0
    assert fitted.transfer.missed.low <= fitted.transfer.missed.value <= fitted.transfer.missed.high
    assert fitted.transfer.false_accepts_per_hour.high > 0 and fitted.random is not None
    assert "n = 2" in fitted.sentence


def test_the_run_holds_what_a_listener_and_a_reader_need(fitted: Result) -> None:
    kept = json.loads((fitted.folder / "keyword.json").read_text())
    assert kept["result"]["transfer"]["point"]["threshold"] == fitted.transfer.point.threshold and kept["card"]["name"] == "speech_embedding"
    page = (fitted.folder / "report.html").read_text()
    assert "false accepts an hour" in page and "<script" not in page
    assert (fitted.folder / "manifest.json").is_file()


@pytest.mark.parametrize("size", [160, STEP, 5_000, 1_000_000])
def test_a_stream_says_what_a_whole_file_says_however_it_is_cut(fitted: Result, size: int) -> None:
    heard = np.concatenate([rustle(90, 4.0), spoken(WORD, 3), rustle(91, 4.0), spoken(WORD, 7), np.zeros(RATE, np.float32)])
    content = wav(heard, RATE)
    whole = [one for chunk in chunks(content, 10_000_000) for one in open_listener(fitted.folder).hear(chunk)]
    listener = open_listener(fitted.folder)
    stream = [one for chunk in chunks(content, size) for one in listener.hear(chunk)]
    assert [one.seconds for one in stream] == [one.seconds for one in whole]
    assert np.allclose([one.probability for one in stream], [one.probability for one in whole], atol=1e-4)
    ends = [(4 * RATE + len(spoken(WORD, 3))) / RATE, (len(heard) - RATE) / RATE]
    assert all(any(abs(one.seconds - end) < 0.6 for one in whole) for end in ends)


def test_predict_says_of_files_what_a_listener_says(fitted: Result, tmp_path: Path) -> None:
    heard = np.concatenate([rustle(90, 4.0), spoken(WORD, 3), np.zeros(RATE, np.float32)])
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.wav").write_bytes(wav(heard, RATE))
    (tmp_path / "clips" / "b.wav").write_bytes(wav(rustle(92, 5.0), RATE))
    (tmp_path / "clips" / "c.wav").write_bytes(b"no sound")
    listener = open_listener(fitted.folder)
    streamed = [one for chunk in chunks(wav(heard, RATE)) for one in listener.hear(chunk)]
    first, second, third = headstart.predict(fitted.folder, tmp_path / "clips")
    assert streamed and [one.seconds for one in first.detections] == [one.seconds for one in streamed]
    assert np.allclose([one.probability for one in first.detections], [one.probability for one in streamed], atol=1e-4)
    assert first.seconds == len(heard) / RATE + 0.5 and second.detections == () and "not a recording" in third.fault
    assert [one.source for one in (first, second, third)] == [str(tmp_path / "clips" / f"{name}.wav") for name in "abc"]


def test_what_is_asked_of_classes_is_refused_by_a_wake_word(fitted: Result, data: Path) -> None:
    with pytest.raises(InputError, match=r"heard or not(?s:.*)--coverage"):
        headstart.predict(fitted.folder, data, coverage=0.9)
    with pytest.raises(InputError, match="run of a wake word"):
        headstart.evaluate(fitted.folder, data)


def test_the_layers_say_the_same_over_a_sequence_as_over_each_window() -> None:
    torch.manual_seed(0)
    head, frames = KeywordHead().eval(), torch.randn(1, 96, 30)
    with torch.inference_mode():
        whole = head(frames)[0]
        each = torch.stack([head(frames[:, :, n : n + FRAMES])[0, 0] for n in range(30 - FRAMES + 1)])
    assert torch.allclose(whole, each, atol=1e-5)


def test_what_is_no_wake_word_is_refused(data: Path, tmp_path: Path, gallery_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_HOME", str(gallery_home))
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="above 0"):
            fit_keyword(data, out=tmp_path / "run", false_accepts=wrong)
    for kind in ("cats", "dogs"):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for n in range(5):
            (tmp_path / "data" / kind / f"{n}.wav").write_bytes(wav(spoken(n + 10 * (kind == "cats"), n), RATE))
    with pytest.raises(InputError, match="positive"):
        fit_keyword(tmp_path / "data", out=tmp_path / "run")


def test_decoding_in_chunks_loses_no_sample() -> None:
    content = wav(spoken(WORD, 1), RATE)
    heard = np.concatenate(list(chunks(content)))
    assert np.array_equal(heard[: len(decode(content).samples)], decode(content).samples) and isinstance(Listener, type)
