"""What a wake word's layer got wrong can be heard: the worst of each kind, short, each with the moment that it is about."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from headstart.modality.sound import decode
from headstart.study.frames import Sound
from headstart.study.listening import RATE, STEP
from headstart.study.slips import AFTER_SECONDS, BEFORE_SECONDS, SHOWN, keep_worst, slips_in


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def test_a_missed_word_is_a_slip_and_so_is_each_false_accept() -> None:
    sound, logits = Sound("x", lambda: noise(10.0), "x.wav"), np.arange(100, dtype=np.float32)
    assert slips_in(sound, logits, [3], word=True) == []
    (missed,) = slips_in(sound, logits, [], word=True)
    assert (missed.logit, missed.end) == (99.0, None)
    assert [(one.logit, one.end) for one in slips_in(sound, logits, [3, 40], word=False)] == [(3.0, 4 * STEP), (40.0, 41 * STEP)]


def test_the_worst_of_each_kind_are_kept_as_short_clips(tmp_path: Path) -> None:
    marked = noise(30.0)
    marked[20 * RATE : 20 * RATE + 100] = 0.9
    slips = [one for n in range(9) for one in slips_in(Sound(str(n), lambda: noise(6.0), f"{n}.wav"), np.full(5, -n, np.float32), [], word=True)]
    logits = np.zeros(375, np.float32)
    logits[round(20 * RATE / STEP)] = 8
    slips += slips_in(Sound("b", lambda: marked, "b.wav"), logits, [10, 100, 150, round(20 * RATE / STEP), 300, 350], word=False)
    rows = keep_worst(tmp_path, slips)
    assert [row["source"] for row in rows] == ["8.wav", "7.wav", "6.wav", "5.wav", *["b.wav"] * SHOWN]
    assert [row["kind"] for row in rows] == ["missed"] * SHOWN + ["false accept"] * SHOWN and abs(rows[SHOWN]["seconds"] - 20.08) < 1e-9
    heard = decode((tmp_path / rows[SHOWN]["file"]).read_bytes())
    assert heard.rate == RATE and abs(heard.seconds - BEFORE_SECONDS - AFTER_SECONDS) < 0.01
    loud = np.flatnonzero(np.abs(heard.samples) > 0.8 * np.abs(heard.samples).max()) / RATE
    assert abs(loud[0] - (BEFORE_SECONDS - 0.08)) < 0.02  # the moment itself is in it
    assert max((tmp_path / row["file"]).stat().st_size for row in rows) <= 130_000
