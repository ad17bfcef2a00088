"""Encodings are told by what the bytes bear out, and refused where nothing does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.modality import Unreadable
from headstart.modality.encoding import conversion, decoded

CHINESE = "房间很干净，服务也不错，就是离市中心有点远。早餐的种类不多，下次去还会住这里，推荐给大家。"
FRENCH = "Ça a été très agréable, mais le café à côté était déjà fermé."
ELSEWHERE = {
    "euc-kr": "방이 아주 깨끗하고 좋았어요. 다시 방문하고 싶습니다. 친절한 직원들 덕분에 편안하게 쉬었습니다.",
    "euc-jp": "部屋はとてもきれいでした。スタッフも親切で、また泊まりたいと思います。",
    "shift-jis": "部屋はとてもきれいでした。スタッフも親切で、また泊まりたいと思います。",
    "cp1251": "Номер был очень чистый, персонал приветливый. Обязательно приедем снова.",
    "koi8-r": "Номер был очень чистый, персонал приветливый. Обязательно приедем снова.",
    "big5": "房間很乾淨，服務人員也很親切，下次還會再來住，早餐種類很多，交通也很方便。",
}


@pytest.mark.parametrize(("encoding", "said"), [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("gbk", "GB18030"), ("gb18030", "GB18030")])
def test_chinese_is_read_in_every_encoding_that_it_is_written_in(encoding: str, said: str) -> None:
    assert decoded(CHINESE.encode(encoding)) == (CHINESE, said)


@pytest.mark.parametrize(("encoding", "said"), [("utf-8", "UTF-8"), ("utf-16", "UTF-16"), ("cp1252", "Windows-1252")])
def test_western_accents_are_read(encoding: str, said: str) -> None:
    assert decoded(FRENCH.encode(encoding)) == (FRENCH, said)


@pytest.mark.parametrize("encoding", ELSEWHERE)
def test_the_line_that_converts_a_file_names_the_likeliest_encoding(encoding: str) -> None:
    name = {"cp1251": "WINDOWS-1251", "shift-jis": "SHIFT_JIS"}.get(encoding, encoding.upper())
    assert conversion(ELSEWHERE[encoding].encode(encoding), "a b.csv", "utf8.csv") == f"iconv -f {name} -t UTF-8 'a b.csv' > utf8.csv"


def test_where_no_encoding_is_likely_none_is_named() -> None:
    assert conversion(bytes(range(128, 256)) * 9, "a.csv", "utf8.csv").startswith("iconv -f ENCODING ")


@pytest.mark.parametrize("encoding", ELSEWHERE)
def test_an_encoding_that_cannot_be_told_is_refused_not_guessed(encoding: str) -> None:
    with pytest.raises(Unreadable, match="cannot be told"):
        decoded(ELSEWHERE[encoding].encode(encoding))


@pytest.mark.parametrize(
    "rows",
    [
        ["file_name,label,what it is and where it was taken", "scans/0.png,健康,hospital"],
        ["文件名,标签,speaker", *(f"片段/猫叫 {n}.wav,猫,甲{n // 3}" for n in range(24))],
        ["文件名,标签", *(f"客厅/{n}.wav,关灯" for n in range(24))],
        ["file,label", *(f"{n}.wav,{'猫狗'[n % 2]}" for n in range(60))],
    ],
)
def test_a_table_of_names_in_gbk_is_read_though_none_of_its_characters_is_an_everyday_one(rows: list[str]) -> None:
    table = "\n".join([*rows, *rows[1:] * (20 if len(rows) == 2 else 1)])
    assert decoded(table.encode("gbk")) == (table, "GB18030")


@pytest.mark.parametrize(
    ("encoding", "rows"),
    [
        ("euc-kr", ["고양이/소리 3.wav,고양이,화자", "강아지/소리 4.wav,강아지,화자"]),
        ("big5", ["貓/叫聲 3.wav,貓,說話者", "客廳/3.wav,開燈"]),
        ("shift-jis", ["猫/鳴き声 3.wav,猫,話者", "ネコ/3.wav,ネコ"]),
        ("euc-jp", ["猫/鳴き声 3.wav,猫,話者", "ネコ/3.wav,ネコ"]),
        ("koi8-r", ["кошка/звук 3.wav,кошка", "собака/звук 4.wav,собака"]),
    ],
)
def test_a_table_of_names_from_elsewhere_is_not_taken_for_chinese(encoding: str, rows: list[str]) -> None:
    with pytest.raises(Unreadable, match="cannot be told"):
        decoded(("file,label,speaker\n" + "\n".join(rows * 12)).encode(encoding))


@pytest.mark.parametrize(
    "text",
    ["방이 깨끗하고 직원도 친절합니다", "음식이 너무 맛없어요", "가격 대비 좋아요", "정말 최고예요", "그저 그래요", "아이들이 좋아해요", "너무 비싸요"],
)
def test_a_short_korean_sentence_is_not_taken_for_chinese(text: str) -> None:
    with pytest.raises(Unreadable, match="cannot be told"):
        decoded(text.encode("euc-kr"))


@pytest.mark.parametrize("text", ["房间很好", "价格太贵", "太差了", "早餐不错", "好", "服务态度好", "质量很差，不会再买", "关灯", "健康", "物流很快", "喜欢"])
def test_a_short_chinese_sentence_is_read(text: str) -> None:
    assert decoded(text.encode("gbk")) == (text, "GB18030")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "Pokój był bardzo czysty, a obsługa miła. Niestety łazienka była zimna."),
        ("cp1250", "Pokoj byl čistý. Snídaně byla výborná, určitě se vrátíme. Příště zůstaneme déle."),
        ("cp1254", "Oda çok temizdi, kahvaltı güzeldi. Şehir merkezine yakın, ulaşım kolay."),
    ],
)
def test_what_would_be_mojibake_in_western_letters_is_refused(encoding: str, text: str) -> None:
    with pytest.raises(Unreadable, match="cannot be told"):
        decoded(text.encode(encoding))


@pytest.mark.parametrize(
    "text",
    [
        "¿Qué tal? La habitación era pequeña y el baño estaba sucio¹.", "Das Zimmer hat 30 m³ und ¾ der Gäste fanden es schön; Größe wie übel.",
        "O café da manhã é ótimo, não há opções, mas as crianças gostaram.", "La città è più bella così, perché c'è il sole.",
        "Værelset var rent, men sengen var for hård, på øverste sal.", "Rummet var fint och frukosten är jättebra på övervåningen.",
        "Þetta er góður staður og það var mjög gaman þar á fjöllunum í sumar.",
    ],
)  # fmt: skip
def test_western_languages_are_read(text: str) -> None:
    assert decoded(text.encode("cp1252")) == (text, "Windows-1252")


def test_binary_is_no_text_and_a_mark_that_lies_is_named() -> None:
    with pytest.raises(Unreadable, match="binary"):
        decoded(b"PK\x03\x04\0\0\0")
    with pytest.raises(Unreadable, match="says that it is UTF-8"):
        decoded(b"\xef\xbb\xbf\xff\xfe\xff")


@given(st.text())
def test_whatever_is_written_in_utf8_comes_back(text: str) -> None:
    raw = text.encode("utf-8")
    if not raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe")) and b"\0" not in raw:
        assert decoded(raw) == (text, "UTF-8")


@given(st.binary())
def test_no_bytes_are_a_crash(raw: bytes) -> None:
    try:
        assert isinstance(decoded(raw)[0], str)
    except Unreadable as error:
        assert error.reason
