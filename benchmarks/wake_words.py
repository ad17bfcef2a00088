"""Wake words on real voices: recordings of Debian in; misses at a stated number of false accepts an hour, pooled over words, with intervals, out.

    python -m benchmarks.wake_words [--words 4] [--false-accepts 0.5] [--seed 0] [--twins] [--out FILE]

For each word (months and weekdays in Spanish and Italian) and each of two speakers: positives to learn from are espeak-ng's voices and ONE recording of the
other speaker at thirteen speeds; the tested one is the speaker's own. What teaches, what chooses the threshold and what is tested are other speakers:
train: espeak-ng, the other speaker's prompts, English prompts, Tux Paint's Romanian, Russian, French, Danish and Catalan voices, half of the drums;
threshold: Russian and French prompts, Tux Paint's Spanish and Bulgarian voices, the other drums; test: everything else that the tested speaker says, and
Tux Paint's Greek and Belarusian voices.
Settings were chosen with other words; four of these runs had been seen when the last of them (price, share of the real voice) were set.
Whatever is tested is real, nothing mixed.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.data import filling, place
from benchmarks.recordings import RATE, at_speed, described, drum_hits, faded, prompts, read, speak, variants
from headstart.evaluation.rates import per_hour, share
from headstart.modality.sound import Samples, wav
from headstart.study.keyword import fit_keyword

WORDS = {  # language: prompt, what espeak-ng is told to say
    "es": (("digits-mon-8", "septiembre"), ("digits-mon-10", "noviembre"), ("digits-day-3", "miércoles"), ("digits-mon-11", "diciembre")),
    "it": (("digits-mon-8", "settembre"), ("digits-mon-1", "febbraio"), ("digits-day-5", "venerdì"), ("digits-day-0", "domenica")),
}
NEAR = {
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre lunes martes miércoles jueves viernes sábado domingo",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre "
    "lunedì martedì mercoledì giovedì venerdì sabato domenica",
}
COMMON = {
    "es": "uno dos tres cuatro cinco seis siete ocho nueve diez veinte cien mil hoy mañana ayer hora minuto segundo mensaje usuario contraseña teléfono número "
    "extensión conferencia gracias adiós asterisco grabar primero tercero amigo familia trabajo viejo nuevo llamada buenos días disponible",
    "it": "uno due tre quattro cinque sei sette otto nove dieci venti cento mille oggi domani ieri ora minuto secondo messaggio utente parola telefono numero "
    "interno conferenza grazie arrivederci asterisco registrare primo terzo amici famiglia lavoro vecchio nuovo chiamata buongiorno disponibile",
}
VOICES = {"es": ("es", "es-419"), "it": ("it",)}
TESTED = {"es": ("spanish-mexico", "spanish-colombia"), "it": ("italian-carlo", "italian-menardi")}
WORDS_A_MINUTE, PITCHES = (70, 150), (20, 80)
N_VOICES, N_HELD, N_NEAR, N_COMMON = 40, 4, 10, 5  # variants of espeak-ng for the word, to look at, for near words, for common ones
SPEEDS_OF_ONE = tuple(round(0.85 + 0.025 * n, 3) for n in range(13))  # the one real voice is a quarter of what teaches the word
BACKGROUNDS = {  # name: part, what it is
    "english": ("train", lambda: _prompts("english-allison")),
    **{f"tuxpaint {code}": ("train", lambda code=code: map(read, described(code))) for code in ("ro", "ru", "fr", "da", "ca")},
    "drums": ("train", lambda: [clip.make() for clip in drum_hits()][::2]),
    "russian": ("validation", lambda: _prompts("russian")),
    "french": ("validation", lambda: _prompts("french-canada")),
    **{f"tuxpaint {code}": ("validation", lambda code=code: map(read, described(code))) for code in ("es", "bg")},
    "drums held": ("validation", lambda: [clip.make() for clip in drum_hits()][1::2]),
    **{f"tuxpaint {code}": ("test", lambda code=code: map(read, described(code))) for code in ("el", "be")},
}
MINUTE = 60
GAP_SECONDS = 0.4
QUIETEST = 0.01  # peak of a clip; quieter ones are empty


def lay_out(language: str, prompt: str, word: str, tested: str) -> Path:
    """The recordings of one word as positive, negative and background with their parts, one speaker tested; background is linked, not copied."""
    name = f"wake-words/3/{tested}-{word}"
    with filling(name) as (folder, is_new):
        if is_new:
            (folder / "clips").mkdir(parents=True)
            with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as stream:
                table = csv.writer(stream)
                table.writerow(["file_name", "label", "speaker", "split"])
                for number, (samples, label, speaker, part) in enumerate(_sounds(language, prompt, word, tested)):
                    (folder / "clips" / f"{number:05d}.wav").write_bytes(wav(faded(samples), RATE))
                    table.writerow([f"clips/{number:05d}.wav", label, speaker, part])
                for voice, (part, make) in BACKGROUNDS.items():
                    for file in shared(voice, make):
                        os.link(file, folder / "clips" / file.name)
                        table.writerow([f"clips/{file.name}", "background", voice, part])
    return place(name)


def shared(voice: str, make: Callable[[], Iterable[Samples]]) -> list[Path]:
    """A voice in minutes, written once for all words."""
    name = f"wake-words/2/shared/{voice}"
    with filling(name) as (folder, is_new):
        if is_new:
            for number, minute in enumerate(minutes([clip for clip in make() if len(clip) and np.abs(clip).max() > QUIETEST])):
                (folder / f"{voice} {number:03d}.wav").write_bytes(wav(faded(minute), RATE))
    return sorted(place(name).iterdir())


def _sounds(language: str, prompt: str, word: str, tested: str) -> Iterator[tuple[Samples, str, str, str]]:
    draw = random.Random(word)
    known = variants()
    chosen = draw.sample(known, N_VOICES + N_HELD)

    def spoken(text: str, variant: str) -> Samples:
        return speak(text, f"{draw.choice(VOICES[language])}+{variant}", draw.randint(*WORDS_A_MINUTE), draw.randint(*PITCHES))

    for number, variant in enumerate(chosen):
        yield spoken(word, variant), "positive", f"espeak {variant}", "train" if number < N_VOICES else "validation"
    for words, n in ((NEAR, N_NEAR), (COMMON, N_COMMON)):
        for other in words[language].split():
            if other != word:
                yield from ((spoken(other, variant), "negative", f"espeak {variant}", "train") for variant in draw.sample(chosen[:N_VOICES], n))
    for variant, other in zip(chosen[N_VOICES:], COMMON[language].split(), strict=False):  # every kind of sound stands in every part
        yield spoken(other, variant), "negative", f"espeak {variant}", "validation"
    for speaker in TESTED[language]:
        said = _said(speaker)
        one, near = said.pop(prompt), [said.pop(name) for name in list(said) if name.startswith(("digits-mon-", "digits-day-"))]
        part = "test" if speaker == tested else "train"
        yield from ((at_speed(one, speed), "positive", speaker, part) for speed in ((1.0,) if part == "test" else SPEEDS_OF_ONE))
        yield from ((other, "negative", speaker, part) for other in near)
        yield from ((minute, "background", speaker, part) for minute in minutes(list(said.values())))


def _said(voice: str) -> dict[str, Samples]:
    heard = {name.replace("/", "-"): read(file) for name, file in prompts(voice).items()}
    return {name: samples for name, samples in heard.items() if len(samples) and np.abs(samples).max() > QUIETEST}


def _prompts(voice: str) -> list[Samples]:
    return list(_said(voice).values())


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
                rows[-1] |= {"test_hours": found.test_hours, "calibration_hours": found.transfer.point.hours}
                print(f"{rows[-1]['seconds']} s", word, tested, found.sentence, flush=True)
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
