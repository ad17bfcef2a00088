"""Real recordings from Debian packages and synthesised speech as folders of `clips/` with a `metadata.csv`, outside the repository, never shipped.

    python -m benchmarks.recordings [digits spoken_digits spanish italian drums]

In: packages fetched by name and checked by their hash. Out: metadata.csv (file_name, label, speaker, split). What espeak-ng speaks enlarges the train part
only; every test clip is a recording of a person (or of a drum). Licences: GPL-2 (Tux Paint, Hydrogen), CC BY-SA 3.0 and GPL-2 (Asterisk), CC per kit.
"""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.data import debian, filling, place
from headstart.modality.sound import Samples, resampled, wav

RATE = 16_000
TELEPHONE_RATE = 8_000
# Of Tux Paint's digits, a voice each.
LANGUAGES = ("en", "bg", "ca", "de", "el", "en_GB", "es", "fr", "it", "ja", "ko", "lt", "nb", "nl", "nn", "pt", "ro", "ru", "sl", "sv", "zh_tw")
VARIANTS = ("m1", "m3", "m7", "f1", "f2", "f4", "klatt", "Annie", "Denis", "john", "linda", "steph")
HELD_VARIANTS = ("Annie", "john", "steph")  # of synthetic voices many are near each other: the parts are given, not drawn
ENGLISH_ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-gb-x-rp", "en-029")
SPEEDS = (0.88, 0.94, 1.0, 1.06, 1.12)  # of one recording: with fewer, a class of one clip has nothing to validate on
ESPEAK = ("espeak-ng", "espeak-ng-data", "libespeak-ng1", "libpcaudio0", "libsonic0")
PROMPTS = {  # voice: package, folder below usr/share/asterisk/sounds
    "english-allison": ("asterisk-core-sounds-en-wav", "en_US_f_Allison"),
    "spanish-mexico": ("asterisk-core-sounds-es-wav", "es_MX_f_Allison"),
    "spanish-colombia": ("asterisk-prompt-es-co", "es"),
    "italian-carlo": ("asterisk-core-sounds-it-wav", "it_IT_m_Carlo"),
    "italian-menardi": ("asterisk-prompt-it-menardi-wav", "it_IT_f_Menardi"),
    "russian": ("asterisk-core-sounds-ru-wav", "ru_RU_f_IvrvoiceRU"),
    "french-canada": ("asterisk-core-sounds-fr-wav", "fr_CA_f_June"),
}
INSTRUMENTS = (
    ("kick", r"kick|bass ?drum|bassdrum|\bbd|_bd|heavy_kick|drum_bass|^k_"),
    ("snare", r"snare|\bsn[_ ]|^sn"),
    ("hihat-open", r"(hat|hh).*(op)|op.*(hat|hh)|ohh|hihat_opened|cymbal_open"),
    ("hihat-closed", r"(hat|hh).*(cl|ped)|cl.*(hat|hh)|chh|ped.*(hat|hh)|hihat_(closed|foot)|cymbal_(closed|pedal)"),
    ("tom", r"\btom|_tom|tom[_ ]"),
    ("clap", r"clap"),
    ("ride", r"ride"),
    ("crash", r"crash|splash|china|cymbal_(hard|soft)"),
    ("cowbell", r"cow ?bell"),
    ("stick", r"stick|\brim|clave"),
)
PROMPTS_OF_A_PAIR = 60  # evenly among all: the pairs share 266 and 515
HITS_A_KIT = 6  # of one instrument: kits with hundreds of layers would be most of the data


@dataclass(frozen=True)
class Clip:
    """A recording and what is known of it; `make` decodes or synthesises it."""

    name: str
    label: str
    speaker: str
    part: str
    make: Callable[[], Samples]


def digits() -> Path:
    """Real digits in 21 languages, a voice each: 205 clips."""
    return _laid_out("digits", lambda: real_digits(part=""))


def spoken_digits() -> Path:
    """English digits. Train: espeak-ng in seven accents; test: three real voices, 30 clips."""
    return _laid_out("spoken-digits", lambda: [*spoken(), *english_digits("test")])


def spanish() -> Path:
    """Train: the Mexican voice, each prompt at five speeds; test: the Colombian voice."""
    return _laid_out("spanish", lambda: _pair("spanish-mexico", "spanish-colombia"))


def italian() -> Path:
    """Train: Carlo, each prompt at five speeds; test: Menardi."""
    return _laid_out("italian", lambda: _pair("italian-carlo", "italian-menardi"))


def drums() -> Path:
    """Drum hits in 10 instruments; the kit is the speaker."""
    return _laid_out("drums", drum_hits)


ALL: dict[str, Callable[[], Path]] = {"digits": digits, "spoken_digits": spoken_digits, "spanish": spanish, "italian": italian, "drums": drums}


def real_digits(part: str) -> Iterator[Clip]:
    """Digits that people read for Tux Paint, a person a language."""
    root = debian("tuxpaint-stamps-default") / "usr/share/tuxpaint/stamps/symbols/math"
    for language in LANGUAGES:
        for digit in range(10):
            file = root / (f"{digit}.ogg" if language == "en" else f"{digit}_{language}.ogg")
            if file.is_file():
                voice = f"tuxpaint_{language}"
                yield Clip(f"{voice}-{digit}", str(digit), voice, part, lambda file=file: read(file))


def english_digits(part: str) -> Iterator[Clip]:
    """The English ones of these, and Allison's for Asterisk: three voices."""
    yield from (clip for clip in real_digits(part) if clip.speaker in ("tuxpaint_en", "tuxpaint_en_GB"))
    said = prompts("english-allison")
    for digit in range(10):
        yield Clip(f"allison-{digit}", str(digit), "allison", part, lambda digit=digit: read(said[f"digits/{digit}"]))


def spoken() -> Iterator[Clip]:
    """The same words by espeak-ng; no speakers are named: with near copies across variants they would all be one family."""
    for accent in ENGLISH_ACCENTS:
        for number, variant in enumerate(VARIANTS):
            for digit in range(10):
                voice, manner = f"{accent}+{variant}", (115 + 10 * number, 25 + 5 * number)  # some variants differ in nothing else
                part = "validation" if variant in HELD_VARIANTS else "train"
                yield Clip(f"espeak-{voice}-{digit}", str(digit), "", part, lambda v=voice, d=digit, m=manner: speak(str(d), v, *m))


def prompts(voice: str) -> dict[str, Path]:
    """The prompts of one voice by their name: ``digits/7``, ``vm-goodbye``."""
    package, folder = PROMPTS[voice]
    root = debian(package) / "usr/share/asterisk/sounds" / folder
    return {file.relative_to(root).with_suffix("").as_posix(): file for file in sorted(root.rglob("*")) if file.suffix in (".wav", ".gsm")}


def described(language: str) -> list[Path]:
    """What one more voice says of Tux Paint's stamps, a sentence a file: ro, es, ru, fr, bg, el, be, ca, da have 5 to 30 minutes."""
    return sorted((debian("tuxpaint-stamps-default") / "usr/share/tuxpaint/stamps").rglob(f"*_desc_{language}.ogg"))


def _pair(teacher: str, tested: str) -> Iterator[Clip]:
    taught, asked = prompts(teacher), prompts(tested)
    shared = told_apart(taught, asked)
    for name in shared[:: max(1, len(shared) // PROMPTS_OF_A_PAIR)]:
        flat = name.replace("/", "-")
        for speed in SPEEDS:
            yield Clip(f"{flat}-{teacher}-{speed}", flat, "", "train", lambda file=taught[name], speed=speed: at_speed(read(file), speed))
        yield Clip(f"{flat}-{tested}", flat, "", "test", lambda file=asked[name]: read(file))


def told_apart(taught: Mapping[str, Path], asked: Mapping[str, Path]) -> list[str]:
    """Prompts that both voices read, without silence, and without those that one of them read once for two names."""
    names = sorted(name for name in taught.keys() & asked.keys() if not name.startswith("silence") and "beep" not in name)
    twice = {content for voice in (taught, asked) for content, n in Counter(voice[name].read_bytes() for name in names).items() if n > 1}
    return [name for name in names if not {taught[name].read_bytes(), asked[name].read_bytes()} & twice]


def drum_hits() -> Iterator[Clip]:
    """Single hits of Hydrogen's kits, named by the kits' own description."""
    for kit in sorted((debian("hydrogen-drumkits") / "usr/share/hydrogen/data/drumkits").iterdir()):
        counts: Counter[str] = Counter()
        for instrument, file in _described(kit):
            if counts[instrument] < HITS_A_KIT:
                counts[instrument] += 1
                name = f"{kit.name}-{instrument}-{counts[instrument]}".replace(" ", "_")
                yield Clip(name, instrument, kit.name, "", lambda file=file: read(file))


def _described(kit: Path) -> Iterator[tuple[str, Path]]:
    text = re.sub(r'xmlns(:xsi)?="[^"]*"|xsi:\w+="[^"]*"', "", (kit / "drumkit.xml").read_text(encoding="utf-8", errors="replace"))
    for part in ElementTree.fromstring(text.encode()).iter("instrument"):  # of a pinned package
        called = (part.findtext("name") or "").lower()
        instrument = next((name for name, pattern in INSTRUMENTS if re.search(pattern, called)), None)
        for file in sorted({kit / found.text for found in part.iter("filename") if found.text}):
            if instrument and file.is_file():
                yield instrument, file


def read(file: Path) -> Samples:
    """One channel at 16 kHz; ``.gsm`` files are raw GSM 06.10 at 8 kHz."""
    raw = {"format": "RAW", "subtype": "GSM610", "samplerate": TELEPHONE_RATE, "channels": 1} if file.suffix == ".gsm" else {}
    samples, rate = soundfile.read(file, dtype="float32", always_2d=True, **raw)
    return resampled(samples.mean(axis=1), rate, RATE)


def at_speed(samples: Samples, speed: float) -> Samples:
    """Faster and higher, or slower and lower, as a tape would be."""
    return resampled(samples, round(RATE * speed), RATE)


def speak(text: str, voice: str, words_a_minute: int = 150, pitch: int = 50) -> Samples:
    """What espeak-ng says, at 16 kHz."""
    root = espeak()
    library = next(root.glob("espeak-ng-data/usr/lib/*/espeak-ng-data")).parent
    paths = [str(next(root.glob(f"{package}/usr/lib/*"))) for package in ("libespeak-ng1", "libpcaudio0", "libsonic0")]
    command = [str(root / "espeak-ng/usr/bin/espeak-ng"), f"--path={library}", "-v", voice, "-s", str(words_a_minute), "-p", str(pitch), "--stdout", text]
    said = subprocess.run(command, env={**os.environ, "LD_LIBRARY_PATH": ":".join(paths)}, capture_output=True, check=True).stdout
    raw = io.BytesIO(said[:40] + (len(said) - 44).to_bytes(4, "little") + said[44:])  # a stream's header states a length that is not there
    samples, rate = soundfile.read(raw, dtype="float32")
    return resampled(samples, rate, RATE)


def variants() -> list[str]:
    """All of espeak-ng's variants of a voice that sound like a person: about a hundred."""
    folder = next(espeak().glob("espeak-ng-data/usr/lib/*/espeak-ng-data")) / "voices" / "!v"
    return sorted(file.name for file in folder.iterdir() if "whisper" not in file.name and file.name != "croak" and " " not in file.name)


def espeak() -> Path:
    """The folder that holds espeak-ng's five packages, unpacked and not installed."""
    return {debian(package).parent for package in ESPEAK}.pop()


def _laid_out(name: str, clips: Callable[[], Iterable[Clip]]) -> Path:
    with filling(f"recordings/{name}") as (folder, is_new):
        if is_new:
            (folder / "clips").mkdir()
            with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as stream:
                made = list(clips())
                columns = ["file_name", "label", "speaker"] + (["split"] if made[0].part else [])
                table = csv.writer(stream)
                table.writerow(columns)
                for clip in made:
                    (folder / "clips" / f"{clip.name}.wav").write_bytes(wav(faded(clip.make()), RATE))
                    table.writerow([f"clips/{clip.name}.wav", clip.label, clip.speaker, clip.part][: len(columns)])
    return place(f"recordings/{name}")


def faded(samples: Samples) -> Samples:
    """Never beyond full scale: resampling may overshoot."""
    return samples / max(1.0, float(np.abs(samples).max()))


if __name__ == "__main__":
    for asked in sys.argv[1:] or ALL:
        print(ALL[asked]())
