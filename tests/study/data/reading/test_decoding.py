from __future__ import annotations

import pytest

from study.data.reading.decoding import guess_encoding

SENTENCES = {
    "cp1252": "Das war ein schöner Film — „wirklich“ großartig für alle Männer.",
    "latin-1": "El niño comió una manzana, qué película más buena",
    "cp1250": "Tento film byl opravdu skvělý, příště znovu. Žluťoučký kůň",
    "cp1251": "Очень плохой фильм, не советую смотреть никому.",
    "gb18030": "距离川沙公路较近,但是公交指示不对,会非常麻烦.",
    "cp932": "この映画はとても面白かったです。また見たい。",
    "cp949": "이 영화는 정말 재미있었습니다.",
    "cp1253": "Πολύ καλή ταινία, τη συνιστώ",
}


@pytest.mark.parametrize("encoding", [*SENTENCES, "utf-8"])
def test_sentences_are_decoded_as_they_were_written(encoding: str) -> None:
    sentence = SENTENCES.get(encoding, SENTENCES["cp1250"])
    raws = [f"{number} {sentence}\n".encode(encoding) for number in range(40)]

    assert b"".join(raws).decode(guess_encoding(raws)) == "".join(f"{n} {sentence}\n" for n in range(40))


@pytest.mark.parametrize("raw", [b"caf\xe9\n", b"\xa3100 cash\n", b"na\xefve \x96 \x93quoted\x94\n"])
def test_a_few_accents_and_quotes_are_those_of_cp1252(raw: bytes) -> None:
    assert guess_encoding([b"plain\n", raw]) == "cp1252"


def test_a_file_with_more_lines_in_utf_8_than_not_is_damaged_utf_8() -> None:
    assert guess_encoding(["café\n".encode(), "naïve\n".encode(), b"caf\xe9\n"]) == "utf-8"
