"""Wake words on real voices: recordings of Debian in; misses at a stated number of false accepts an hour, pooled over words, with intervals, out.

    python -m benchmarks.wake_words [--words 4] [--false-accepts 0.5] [--seed 0] [--twins] [--out FILE]

For each word (months and weekdays in Spanish and Italian) and each of two speakers: positives to learn from are espeak-ng's voices and ONE recording of the
other speaker at five speeds; the tested one is the speaker's own. With espeak-ng's alone the layers learnt to tell people from machines: 3 of 4 words were
missed. The background that teaches and that chooses the threshold is of other voices and languages (English, Russian, French prompts) and drums; the one
that is tested is everything else that the tested speaker says. To reach hours, the calibration part also holds SYNTHETIC mixtures: these prompts faster,
slower and over drums; they are named so and are never tested on.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.data import filling, place
from benchmarks.recordings import RATE, VARIANTS, at_speed, drum_hits, faded, prompts, read, speak
from headstart.evaluation.rates import per_hour, share
from headstart.modality.sound import Samples, wav
from headstart.study.keyword import fit_keyword

WORDS = {  # language: prompt, what espeak-ng is told to say
    "es": (("digits-mon-8", "septiembre"), ("digits-mon-10", "noviembre"), ("digits-day-3", "miércoles"), ("digits-mon-11", "diciembre")),
    "it": (("digits-mon-8", "settembre"), ("digits-mon-1", "febbraio"), ("digits-day-5", "venerdì"), ("digits-day-0", "domenica")),
}
OTHERS = {
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre lunes martes miércoles jueves viernes sábado domingo",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre "
    "lunedì martedì mercoledì giovedì venerdì sabato domenica",
}
VOICES = {"es": ("es", "es-419"), "it": ("it",)}
TESTED = {"es": ("spanish-mexico", "spanish-colombia"), "it": ("italian-carlo", "italian-menardi")}
SPEEDS = (110, 135, 160)  # words a minute
SPEEDS_OF_ONE = (0.88, 0.94, 1.0, 1.06, 1.12)
HELD = ("Annie", "john", "steph")
MINUTE = 60
GAP_SECONDS = 0.4


def lay_out(language: str, prompt: str, word: str, tested: str) -> Path:
    """The recordings of one word as positive, negative and background with their parts, one speaker tested."""
    name = f"wake-words/{tested}-{word}"
    with filling(name) as (folder, is_new):
        if is_new:
            (folder / "clips").mkdir(parents=True)
            with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as stream:
                table = csv.writer(stream)
                table.writerow(["file_name", "label", "speaker", "split"])
                for number, (samples, label, speaker, part) in enumerate(_sounds(language, prompt, word, tested)):
                    (folder / "clips" / f"{number:05d}.wav").write_bytes(wav(faded(samples), RATE))
                    table.writerow([f"clips/{number:05d}.wav", label, speaker, part])
    return place(name)


def _sounds(language: str, prompt: str, word: str, tested: str) -> Iterator[tuple[Samples, str, str, str]]:
    for voice in VOICES[language]:
        for variant in VARIANTS:
            part = "validation" if variant in HELD else "train"
            for speed in SPEEDS:
                yield speak(word, f"{voice}+{variant}", speed, 50), "positive", f"espeak {variant}", part
            for other in OTHERS[language].split():
                if other != word:
                    yield speak(other, f"{voice}+{variant}", 135, 50), "negative", f"espeak {variant}", part
    for speaker in TESTED[language]:
        said = {name.replace("/", "-"): read(file) for name, file in prompts(speaker).items()}
        spoken, near = said.pop(prompt), [said.pop(name) for name in list(said) if name.startswith(("digits-mon-", "digits-day-"))]
        if speaker == tested:
            yield spoken, "positive", speaker, "test"
            yield from ((other, "negative", speaker, "test") for other in near)
            yield from ((minute, "background", speaker, "test") for minute in minutes(list(said.values())))
        else:
            yield from ((at_speed(spoken, speed), "positive", speaker, "train") for speed in SPEEDS_OF_ONE)
            yield from ((other, "negative", speaker, "train") for other in near)
    drums = [clip.make() for clip in drum_hits()]
    english, russian, french = ([read(file) for file in prompts(voice).values()] for voice in ("english-allison", "russian", "french-canada"))
    yield from ((minute, "background", "english", "train") for minute in minutes(english))
    yield from ((minute, "background", "drums", "train") for minute in minutes(drums[::2]))
    yield from ((minute, "background", "drums held", "validation") for minute in minutes(drums[1::2]))
    yield from ((minute, "background", "russian, french", "validation") for minute in minutes([*russian, *french]))
    for speed in (0.85, 1.15):
        mixed = [at_speed(minute, speed) for minute in minutes([*russian, *french])]
        yield from ((_over(one, drums[1::2]), "background", f"synthetic mixture {speed}", "validation") for one in mixed)


def minutes(clips: Sequence[Samples]) -> Iterator[Samples]:
    """Clips one after the other with pauses, about a minute a piece."""
    pause, held, length = np.zeros(round(GAP_SECONDS * RATE), np.float32), [], 0
    for clip in clips:
        held += [clip, pause]
        length += len(clip) + len(pause)
        if length >= MINUTE * RATE:
            yield np.concatenate(held)
            held, length = [], 0
    if length > RATE:
        yield np.concatenate(held)


def _over(samples: Samples, drums: Sequence[Samples]) -> Samples:
    beat = np.resize(np.concatenate([np.pad(hit[: RATE // 2], (0, RATE // 4)) for hit in drums]), len(samples))
    return (samples + 0.2 * beat).astype(np.float32)


def main() -> None:
    """Teach and test each word, then pool."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--words", type=int, default=4, help="of each language")
    asked.add_argument("--false-accepts", type=float, default=0.5)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--twins", action="store_true")
    asked.add_argument("--out", type=Path, default=place("wake-words/result.json"))
    given = asked.parse_args()
    rows = []
    for language, words in WORDS.items():
        for prompt, word in words[: given.words]:
            for tested in TESTED[language]:
                folder, began = lay_out(language, prompt, word, tested), time.perf_counter()
                out = place(f"wake-words/runs/{tested}-{word}-{given.false_accepts}-{given.seed}-{time.time_ns()}")
                found = fit_keyword(folder, out=out, false_accepts=given.false_accepts, seed=given.seed, twins=given.twins)
                rows.append({"word": word, "tested": tested, "seconds": round(time.perf_counter() - began, 1), **_row(found.transfer, "transfer")})
                rows[-1] |= _row(found.random, "random") if found.random else {}
                rows[-1] |= {"test_hours": found.test_hours, "calibration_hours": found.calibration_hours}
                print(word, tested, found.sentence, flush=True)
    pooled = {arm: _pooled(rows, arm) for arm in (("transfer", "random") if given.twins else ("transfer",))}
    given.out.write_text(json.dumps({"asked": given.false_accepts, "seed": given.seed, "words": rows, "pooled": pooled}, indent=2, default=str) + "\n")
    print(json.dumps(pooled, indent=2))


def _row(arm: object, name: str) -> dict[str, float]:
    missed, wrong = arm.missed, arm.false_accepts_per_hour  # type: ignore[attr-defined]
    return {f"{name}_missed": round(missed.value * missed.n), f"{name}_tries": missed.n, f"{name}_false_accepts": wrong.n}


def _pooled(rows: Sequence[dict[str, float]], arm: str) -> dict[str, dict[str, float]]:
    missed = share(int(sum(row[f"{arm}_missed"] for row in rows)), int(sum(row[f"{arm}_tries"] for row in rows)))
    wrong = per_hour(int(sum(row[f"{arm}_false_accepts"] for row in rows)), sum(row["test_hours"] for row in rows))
    return {"missed": vars(missed), "false_accepts_per_hour": vars(wrong)}


if __name__ == "__main__":
    main()
