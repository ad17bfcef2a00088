"""A wake word from its recordings to a listener: the run, the threshold, and that a stream says what a whole file says."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tests.modality.sounds import RATE
from tests.study.keyword_data import OTHER, WORD, lay_out, rustle, spoken

import headstart
from headstart.backbone.networks.keyword_head import FRAMES, KeywordHead
from headstart.base.errors import InputError
from headstart.base.events import Event
from headstart.cli.predictions import give_predictions
from headstart.cli.summaries import row
from headstart.evaluation.rates import share
from headstart.modality.sound import decode, wav
from headstart.report import list_runs, write_report
from headstart.study.keyword import Result, fit_keyword
from headstart.study.listening import STEP, chunks, open_listener


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


def test_too_few_hours_are_told_before_anything_is_taught(fitted: Result) -> None:
    told = [json.loads(line) for line in (fitted.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    said = next(place for place, one in enumerate(told) if "too few to promise 60 false accepts an hour" in str(one.get("text")))
    assert all(one["stage"] == "read" for one in told[:said]) and not fitted.transfer.point.promised


def test_where_nobody_told_who_speaks_the_sentence_the_file_and_the_page_say_so(fitted: Result) -> None:
    caution = "the same voices may be on both sides"
    assert caution in fitted.sentence and any(caution in one for one in json.loads((fitted.folder / "keyword.json").read_text())["result"]["cautions"])
    page = (fitted.folder / "report.html").read_text()
    assert page.count(caution) == 2 and "Beware" in page and "that were not trained on" in page


def test_the_page_is_written_anew_as_it_was_and_the_list_knows_the_run(fitted: Result) -> None:
    page = fitted.folder / "report.html"
    was = page.read_text()
    assert headstart.report(fitted.folder) == page and page.read_text() == was and "Misses" in was
    (summary,) = list_runs(fitted.folder)
    assert (summary.metric, summary.value, summary.model) == ("missed", fitted.transfer.missed, "speech_embedding")
    assert summary.false_accepts_per_hour == fitted.transfer.false_accepts_per_hour
    assert row(summary)[2] == "wake word" and row(summary)[4].startswith("misses 0.0 % (") and "false accepts an hour" in row(summary)[4]


def test_the_page_plays_what_it_got_wrong(fitted: Result, tmp_path: Path) -> None:
    run = Path(shutil.copytree(fitted.folder, tmp_path / "run"))
    rows = json.loads((run / "mistakes.json").read_text())
    assert [row["kind"] for row in rows] == ["false accept"] * min(4, fitted.transfer.false_accepts_per_hour.n)
    assert (run / "report.html").read_text().count('src="data:audio/wav;base64,') == len(rows)
    (run / "mistakes" / "000.wav").parent.mkdir(exist_ok=True)
    (run / "mistakes" / "000.wav").write_bytes(wav(spoken(WORD, 1), RATE))
    (run / "mistakes.json").write_text(json.dumps([{"file": "mistakes/000.wav", "source": "<b>.wav", "kind": "missed", "probability": 0.2, "seconds": None}]))
    page = write_report(run).read_text()
    assert "missed: &lt;b&gt;.wav (20.0\N{NO-BREAK SPACE}% sure" in page and page.count("data:audio/wav") == 1
    (run / "mistakes.json").unlink()
    assert "What it got wrong" not in write_report(run).read_text()  # a run of old


def test_an_unfinished_or_damaged_wake_word_has_no_page_of_classes(tmp_path: Path) -> None:
    (tmp_path / "asked.json").write_text('{"task": "keyword"}')
    (tmp_path / "events.jsonl").write_text("")
    with pytest.raises(InputError, match=r"not finished(?s:.*)headstart resume"):
        headstart.report(tmp_path)
    (tmp_path / "keyword.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        headstart.report(tmp_path)
    assert [(one.metric, one.value) for one in list_runs(tmp_path)] == [("missed", None)] and not (tmp_path / "report.html").exists()


def kept(file: Path, samples: np.ndarray) -> Path:
    """A recording on disk."""
    file.write_bytes(wav(samples, RATE))
    return file


@pytest.mark.parametrize("size", [160, STEP, 5_000, 1_000_000])
def test_a_stream_says_what_a_whole_file_says_however_it_is_cut(fitted: Result, tmp_path: Path, size: int) -> None:
    heard = np.concatenate([rustle(90, 4.0), spoken(WORD, 3), rustle(91, 4.0), spoken(WORD, 7), np.zeros(RATE, np.float32)])
    file = kept(tmp_path / "heard.wav", heard)
    whole = [one for chunk in chunks(file, 10_000_000) for one in open_listener(fitted.folder).hear(chunk)]
    listener = open_listener(fitted.folder)
    stream = [one for chunk in chunks(file, size) for one in listener.hear(chunk)]
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
    streamed = [one for chunk in chunks(tmp_path / "clips" / "a.wav") for one in listener.hear(chunk)]
    first, second, third = headstart.predict(fitted.folder, tmp_path / "clips")
    assert streamed and [one.seconds for one in first.detections] == [one.seconds for one in streamed]
    assert np.allclose([one.probability for one in first.detections], [one.probability for one in streamed], atol=1e-4)
    assert first.seconds == len(heard) / RATE + 0.5 and second.detections == () and "not a recording" in third.fault
    assert [one.source for one in (first, second, third)] == [str(tmp_path / "clips" / f"{name}.wav") for name in "abc"]


RECORDER = """#!{python}
import sys, time
while True:
    sys.stdout.buffer.write(open({sound!r}, "rb").read())
    sys.stdout.buffer.flush()
    time.sleep(0.2)
"""


def test_a_microphone_that_is_stopped_is_told_how_fast_it_was_heard(fitted: Result, tmp_path: Path) -> None:
    heard = np.concatenate([rustle(90, 2.0), spoken(WORD, 3), rustle(91, 2.0)])
    (tmp_path / "samples.raw").write_bytes(np.rint(32767 * heard).astype("<i2").tobytes())
    (tmp_path / "arecord").write_text(RECORDER.format(python=sys.executable, sound=str(tmp_path / "samples.raw")))
    (tmp_path / "arecord").chmod(0o755)
    (tmp_path / "sounddevice.py").write_text("raise ImportError")
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": f"{tmp_path}:{Path(headstart.__file__).parents[1]}"}
    command = [sys.executable, "-m", "headstart", "listen", str(fitted.folder), "-", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    heed = partial(signal.signal, signal.SIGINT, signal.default_int_handler)  # a job in the background ignores Ctrl-C
    with subprocess.Popen(command, env=environment, preexec_fn=heed, **pipes) as process:  # type: ignore[call-overload]
        line = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        told, said = process.communicate(timeout=60)
    assert "%" in line and process.returncode == 0, line + said
    kept = json.loads(told)
    assert kept["detections"] and kept["real_time_factor"] > 0 and abs(kept["real_time_factor"] * kept["seconds"] - kept["took_seconds"]) < 1e-6


def test_what_is_asked_of_classes_is_refused_by_a_wake_word(fitted: Result, data: Path) -> None:
    with pytest.raises(InputError, match=rf"heard or not(?s:.*)--coverage(?s:.*)headstart predict {re.escape(str(fitted.folder))} FILE"):
        headstart.predict(fitted.folder, data, coverage=0.9)
    with pytest.raises(InputError, match="heard, not read"):
        headstart.evaluate(fitted.folder, data, text="sentence")


def test_evaluate_counts_what_a_listener_misses_and_takes_wrongly(fitted: Result, tmp_path: Path) -> None:
    data = tmp_path / "others"
    for speaker, seed in (("ANNA", WORD), ("BO", WORD), ("CY", OTHER + 3)):  # the last one says another word
        (data / "positive" / speaker).mkdir(parents=True)
        kept(data / "positive" / speaker / "1.wav", spoken(seed, 11 + len(speaker)))
    (data / "background").mkdir()
    kept(data / "background" / "evening.wav", np.concatenate([rustle(95, 170.0), spoken(WORD, 4), rustle(96, 9.0)]))
    (data / "background" / "broken.wav").write_bytes(b"no sound")
    told = headstart.evaluate(fitted.folder, data)
    assert told["missed"]["n"] == 3 and [one["source"] for one in told["mistakes"] if one["kind"] == "missed"] == ["positive/CY/1.wav"]
    assert {one["speaker"]: (one["words"], one["missed"]) for one in told["speakers"]} == {"ANNA": (1, 0), "BO": (1, 0), "CY": (1, 1)}
    accepted = [one for one in told["mistakes"] if one["kind"] == "false accept"]
    said = [one["seconds"] for one in accepted if one["source"] == "background/evening.wav from 0:02:00"]
    assert any(abs(one - 50 - len(spoken(WORD, 4)) / RATE) < 0.6 for one in said), accepted
    assert told["false_accepts_per_hour"]["n"] == len(accepted) and abs(told["hours"] - (179 + len(spoken(WORD, 4)) / RATE) / 3600) < 1e-6
    assert [one["source"] for one in told["left_out"]] == ["background/broken.wav"]


def test_hours_of_silence_count_and_a_silent_word_is_named(fitted: Result, tmp_path: Path) -> None:
    data, still = tmp_path / "still", np.zeros(180 * RATE, np.float32)
    for kind in ("positive", "background"):
        (data / kind).mkdir(parents=True)
    kept(data / "positive" / "1.wav", spoken(WORD, 12))
    kept(data / "positive" / "2.wav", still[:RATE])
    kept(data / "background" / "night.wav", np.concatenate([rustle(97, 60.0), still]))
    heard = list[Event]()
    told = headstart.evaluate(fitted.folder, data, sink=heard.append)
    assert (told["hours"], told["silent_hours"]) == pytest.approx((240 / 3600, 180 / 3600)) and told["missed"]["n"] == 1
    assert [(one["source"], one["reason"]) for one in told["left_out"]] == [("positive/2.wav", "silent")]
    assert any("0.05 of 0.07 h of other sound are digital silence" in event.text for event in heard)


def test_a_night_of_silence_counts_in_the_threshold_and_in_the_test_and_teaches_nothing(
    data: Path, fitted: Result, tmp_path: Path, gallery_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_HOME", str(gallery_home))
    night = Path(shutil.copytree(data, tmp_path / "night"))
    for number in range(5):
        kept(night / "background" / f"night {number}.wav", np.zeros((60 + number) * RATE, np.float32))
    done = fit_keyword(night, out=tmp_path / "run", false_accepts=60.0, twins=False)
    assert done.test_hours > fitted.test_hours + 50 / 3600 and done.transfer.point.hours > fitted.transfer.point.hours + 50 / 3600
    assert "are digital silence" in done.sentence and not any(one["kind"] == "note" and "left out" in one["text"] for one in events(done.folder))


def events(run: Path) -> list[dict[str, str]]:
    """What was said while it ran."""
    return [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def test_to_be_judged_on_its_own_recordings_is_said_to_promise_too_much(fitted: Result, data: Path) -> None:
    heard = list[Event]()
    told = headstart.evaluate(fitted.folder, data, sink=heard.append)
    assert told["seen"] > 0 and any("the very recordings that this run learnt from" in event.text for event in heard if event.kind == "note")


def test_a_single_kind_of_sound_is_enough_to_be_judged_on(fitted: Result, tmp_path: Path) -> None:
    (tmp_path / "mine" / "positive").mkdir(parents=True)
    kept(tmp_path / "mine" / "positive" / "1.wav", spoken(WORD, 12))
    heard = list[Event]()
    told = headstart.evaluate(fitted.folder, tmp_path / "mine", sink=heard.append)
    assert told["seen"] == 0 and not any("silence" in event.text for event in heard)
    assert told["missed"]["value"] == 0 and told["false_accepts_per_hour"] is None and told["speakers"] == []
    with pytest.raises(InputError, match="none of a wake word's"):
        (tmp_path / "mine" / "cats").mkdir()
        kept(tmp_path / "mine" / "cats" / "1.wav", spoken(WORD, 12))
        headstart.evaluate(fitted.folder, tmp_path / "mine")


def test_the_layers_say_the_same_over_a_sequence_as_over_each_window() -> None:
    torch.manual_seed(0)
    head, frames = KeywordHead().eval(), torch.randn(1, 96, 30)
    with torch.inference_mode():
        whole = head(frames)[0]
        each = torch.stack([head(frames[:, :, n : n + FRAMES])[0, 0] for n in range(30 - FRAMES + 1)])
    assert torch.allclose(whole, each, atol=1e-5)


def test_what_is_no_wake_word_is_refused(
    data: Path, tmp_path: Path, gallery_home: Path, subscribed: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribed("speech_embedding")
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


def test_only_a_model_that_is_named_is_fetched(data: Path, tmp_path: Path, empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PIP_CONFIG_FILE", "/dev/null"), ("PIP_INDEX_URL", (tmp_path / "no index").as_uri())):
        monkeypatch.setenv(name, value)
    heard: list[str] = []
    for accept, refusal in ((["minilm_l6"], "headstart gallery subscribe speech_embedding"), (["speech_embedding"], "pip cannot fetch")):
        with pytest.raises(InputError, match=refusal):
            headstart.keyword(data, out=tmp_path / "run", accept=accept, sink=lambda event: heard.append(event.stage))
        assert ("fetch" in heard) == (accept == ["speech_embedding"]), heard
    assert not (empty_home / "gallery" / "speech_embedding").exists()


@pytest.mark.parametrize("n", [STEP, 1_000, 10_000_000])
def test_decoding_in_chunks_loses_no_sample(tmp_path: Path, n: int) -> None:
    file = kept(tmp_path / "said.wav", spoken(WORD, 1))
    parts, whole = list(chunks(file, n)), decode(file.read_bytes()).samples
    assert np.array_equal(np.concatenate(parts), np.pad(whole, (0, RATE // 2))) and {len(part) for part in parts[:-1]} <= {n}


def test_what_was_heard_before_a_recording_breaks_off_is_told(fitted: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heard = np.concatenate([rustle(90, 4.0), spoken(WORD, 3), rustle(91, 20.0)])
    heard[-RATE:] = np.nan
    soundfile.write(tmp_path / "evening.wav", heard, RATE, subtype="FLOAT")
    (one,) = headstart.predict(fitted.folder, tmp_path / "evening.wav")
    assert one.detections and one.seconds > 5 and "not numbers" in (one.fault or "")
    give_predictions(fitted.folder, [one], as_csv=False, as_json=False)
    shown = capsys.readouterr()
    assert f"{one.detections[0].seconds:.2f} s" in shown.out and "not read to its end" in shown.err


def test_the_interval_of_missed_words_draws_whole_speakers(fitted: Result, tmp_path: Path) -> None:
    data = tmp_path / "two"
    for speaker, seed in (("ANNA", WORD), ("BO", OTHER + 3)):
        (data / "positive" / speaker).mkdir(parents=True)
        for number in range(6):
            kept(data / "positive" / speaker / f"{number}.wav", spoken(seed, number))
    told = headstart.evaluate(fitted.folder, data)
    by_recording = share(6, 12)
    assert [one["missed"] for one in told["speakers"]] == [0, 6] and told["missed"]["value"] == 0.5 and told["missed"]["n"] == 12
    assert told["missed"]["low"] < by_recording.low - 0.1 and told["missed"]["high"] > by_recording.high + 0.1
