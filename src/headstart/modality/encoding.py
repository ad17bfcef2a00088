"""Bytes of a text in, the text and the name of its encoding out, or a refusal; nothing is guessed that the bytes do not bear out.

UTF-8 and UTF-16 with its mark say by themselves that they are right: other bytes hardly ever decode as UTF-8 without a fault. GB18030 and Windows-1252
accept nearly anything, so they are believed only when what comes out looks like Chinese, or like a Western language with a few accents.
"""

from __future__ import annotations

import codecs
import shlex
import unicodedata
from itertools import pairwise

from headstart.modality.protocol import Unreadable

LOOKED_AT_BYTES = 1 << 20  # what plausibility is judged on
PLAIN_SHARE_MIN = 0.85  # of the two-byte characters: 3,755 everyday ones (level 1 of GB 2312) and punctuation; in real reviews 0.97 and more
EVERYDAY = frozenset("的一是不了人我在有他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发成事")
EVERYDAY_SHARE_MIN = 0.05  # of the Han characters, where there are enough to tell; in real reviews 0.2, in Korean read as Chinese under 0.02
# A table of names may have no everyday character: it is read where nearly all are common, and as Korean they would not be: EUC-KR has its syllables there too.
COMMON_SHARE_MIN = 0.98  # of the two-byte characters, in level 1 of GB 2312 or punctuation
EVERYDAY_KOREAN = "이다는에의가을하고지로기리은사도서를어대나자한시인아해있부것장일수정전들여그구성제라주만원과스게보조소면공했상화동국으우중산신러방무비오안"
AS_KOREAN = frozenset(EVERYDAY_KOREAN.encode("euc-kr").decode("gb18030"))
KOREAN_SHARE_MAX = 0.1  # of the Han characters; in Korean names and texts 0.5 and more, by chance 0.04
HIRAGANA = frozenset(map(chr, range(0x3041, 0x3097)))
CYRILLIC = frozenset("оеаинтсрвл")
LIKELY = {"BIG5": EVERYDAY, "SHIFT_JIS": HIRAGANA, "EUC-JP": HIRAGANA, "EUC-KR": frozenset(EVERYDAY_KOREAN)}  # not read: proposed to a person
LIKELY |= {"WINDOWS-1251": CYRILLIC, "KOI8-R": CYRILLIC}
LIKELY_SHARE_MIN = 0.1  # of the characters beyond ASCII
ENOUGH = 30  # Han characters by which that can be told
ACCENTS_SHARE_MAX = 0.35  # of the letters: French has 0.04, a short sentence more; Cyrillic or Greek read as Western has nearly 1
# What Polish (Windows-1250) makes of its letters inside words, and letters that Turkish (1254) and Czech (1250) bring together and no Western language does.
IN_NO_WORD = frozenset("³¹¿¾")
IN_NO_LANGUAGE = (frozenset("þç"), frozenset("ðç"), frozenset("ìø"), frozenset("ìý"))
BESIDE_SHARE_MAX = 0.3  # of those, that stand beside one another: Chinese read as Western has nearly 1, whatever English stands around it
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
NAMES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-32": "UTF-32", "gb18030": "GB18030", "cp1252": "Windows-1252"}
ZEROS_MIN = 0.01  # of the bytes of UTF-16: Chinese has a comma or a line end in fifty characters
LEAST_BYTES = 8  # fewer tell nothing
UNKNOWN = "its encoding cannot be told"


def decoded(raw: bytes) -> tuple[str, str]:
    """The text, and the name of the encoding that it was written in.

    Raises:
        Unreadable: when it is binary, or its encoding cannot be told.

    Example:
        >>> decoded("房间很好，服务也不错，下次还来".encode("gbk"))
        ('房间很好，服务也不错，下次还来', 'GB18030')
        >>> decoded("naïve café".encode("latin-1"))[1]
        'Windows-1252'
    """
    marked = next((name for mark, name in MARKS if raw.startswith(mark)), None)
    if marked is not None:
        return _strictly(raw, marked), NAMES[marked]
    if b"\0" in raw:
        raise Unreadable(f"{name} without the mark that says so" if (name := unmarked(raw)) else "binary, not a text")
    for name, plausible in (("utf-8", None), ("gb18030", _is_chinese), ("cp1252", _is_western)):
        try:
            text = raw.decode(name)
        except UnicodeDecodeError:
            continue
        if plausible is None or plausible(text[:LOOKED_AT_BYTES]):
            return text, NAMES[name]
    raise Unreadable(UNKNOWN)


def unmarked(raw: bytes) -> str:
    """``UTF-16LE`` or ``UTF-16BE`` where bytes look like it and lack its mark: of an ASCII character every second byte is 0; else empty.

    Example:
        >>> unmarked("评论,情感".encode("utf-16-le")), unmarked(b"PK" + bytes(8)), unmarked(b"a" + bytes(1) + b"b")
        ('UTF-16LE', '', '')
    """
    if len(raw) % 2 or len(raw) < LEAST_BYTES:
        return ""
    seen = raw[:LOOKED_AT_BYTES]
    zeros = {"UTF-16BE": seen[::2].count(0), "UTF-16LE": seen[1::2].count(0)}
    fewer, name = sorted(zeros, key=lambda one: zeros[one])
    if zeros[name] < max(1, ZEROS_MIN * len(seen)) or zeros[fewer] > zeros[name] / 2:
        return ""
    text = seen.decode(name, "replace")
    return "" if any(unicodedata.category(one) in ("Cc", "Cn", "Co") and one not in "\t\r\n\f\v" for one in text) else name


def conversion(raw: bytes, file: str, made: str) -> str:
    """The line that writes a file anew as UTF-8; its encoding is the likeliest, or left to be filled in where none is."""
    return f"iconv -f {unmarked(raw) or likeliest(raw) or 'ENCODING'} -t UTF-8 {shlex.quote(file)} > {made}"


def likeliest(raw: bytes) -> str:
    """The encoding of those that are not read whose everyday letters bytes hold most of, as ``iconv`` names it; empty where they hold few.

    Example:
        >>> likeliest("房間很乾淨，服務也不錯，下次還來".encode("big5")), likeliest("Номер был очень чистый".encode("cp1251")), likeliest(b"plain")
        ('BIG5', 'WINDOWS-1251', '')
    """
    shares = {}
    for name, everyday in LIKELY.items():
        try:
            wide = [character for character in raw[:LOOKED_AT_BYTES].decode(name, "strict" if len(raw) <= LOOKED_AT_BYTES else "ignore") if character > "\x7f"]
        except UnicodeDecodeError:
            continue
        shares[name] = sum(character in everyday for character in wide) / max(1, len(wide))
    best = max(shares, key=lambda name: shares[name], default="")
    return best if best and shares[best] >= LIKELY_SHARE_MIN else ""


def _strictly(raw: bytes, name: str) -> str:
    try:
        return raw.decode(name)
    except UnicodeDecodeError:
        raise Unreadable(f"says that it is {NAMES[name]} and is not") from None


def _is_chinese(text: str) -> bool:
    wide = [character for character in text if character > "\x7f"]
    plain, han = 0, [character for character in wide if "\u3400" <= character <= "\u9fff"]
    for character in wide:
        raw = character.encode("gb18030")
        plain += len(raw) == 2 and raw[1] >= 0xA1 and (0xB0 <= raw[0] <= 0xD7 or 0xA1 <= raw[0] <= 0xA3)
    if not han or plain < PLAIN_SHARE_MIN * len(wide):
        return False
    everyday, korean = (sum(character in known for character in han) / len(han) for known in (EVERYDAY, AS_KOREAN))
    if len(han) < ENOUGH:
        return everyday >= korean or not _is_hangul(wide)
    return everyday >= max(EVERYDAY_SHARE_MIN, korean) or (plain >= COMMON_SHARE_MIN * len(wide) and korean <= KOREAN_SHARE_MAX)


def _is_hangul(wide: list[str]) -> bool:
    """Whether the same bytes are Korean syllables and nothing else."""
    try:
        return all("\uac00" <= character <= "\ud7a3" for character in "".join(wide).encode("gb18030").decode("euc-kr") if character.isalpha())
    except UnicodeDecodeError:
        return False


def _is_western(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    accents = sum(character > "\x7f" for character in letters)
    beside = sum(left > "\x7f" and right > "\x7f" for left, right in pairwise(text))
    controls = any(unicodedata.category(character) == "Cc" and character not in "\t\r\n\f\v" for character in text)
    inside = any(middle in IN_NO_WORD and left.isalpha() and right.isalpha() for left, middle, right in zip(text, text[1:], text[2:], strict=False))
    if inside or any(pair <= set(letters) for pair in IN_NO_LANGUAGE):
        return False
    return bool(letters) and accents <= ACCENTS_SHARE_MAX * len(letters) and beside <= BESIDE_SHARE_MAX * accents and not controls
