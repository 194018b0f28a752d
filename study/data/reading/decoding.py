"""Bytes into lines of text: the encoding is UTF-8 where it can be, else what the bytes look like."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Sequence

from study.data.messages import quoted
from study.data.rows import MAX_ROW_BYTES, check_size
from study.errors import DataError

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark begins it
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WIDE = ("utf-16", "utf-32")

_WESTERN = ("cp1252", "latin_1")
_LATIN = (*_WESTERN, "cp1250", "iso8859_2", "cp1254", "utf_8")
_OTHER = (*("cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "gb18030", "big5", "cp932", "euc_jp", "cp949"),)
"""Encodings in which texts are published; any other must be named."""

_ASCII = bytes(range(128))
_NO_LETTERS = bytes(byte for byte in range(128) if not chr(byte).isalpha())
_CONTROLS = bytes(range(0x80, 0xA0))
_SHARE_OF_ACCENTS = 0.3
_SAMPLED_BYTES = 60_000
_PEEKED_BYTES = 4096
_TIE = 0.02  # in charset-normalizer's measure of how much the letters are those of a language


def read_lines(
    stream: io.BufferedReader, name: str, encoding: str | None, max_bytes: int | None = None
) -> tuple[list[str], str]:
    r"""Lines with their ends, which are `\n`, `\r\n` or, where there are no others, `\r`.

    Args:
        stream: The bytes.
        name: The file's, for messages.
        encoding: As asked for; None to find it.
        max_bytes: The limit of a line, where it is not that of a row.

    Returns:
        The lines, a byte order mark dropped; and the encoding.

    Raises:
        DataError: If a line is over the limit, is not in the encoding or holds a NUL, with its place.
    """
    start = stream.peek(_PEEKED_BYTES)[:_PEEKED_BYTES]
    wide = _wide_encoding(start) if encoding is None else _wide_of(encoding)
    if wide is not None:
        return _read_wide(stream, name, wide), wide
    raws = _split(stream, name, max_bytes or MAX_ROW_BYTES)
    mark = b""
    if raws and raws[0].startswith(codecs.BOM_UTF8):
        mark = codecs.BOM_UTF8
        raws[0] = raws[0].removeprefix(mark)
    found = encoding or ("utf-8" if mark else guess_encoding(raws))
    return _decode_lines(raws, name, _known(found), len(mark)), found


def guess_encoding(raws: Iterable[bytes]) -> str:
    """The encoding of lines: UTF-8, unless more lines are not than are.

    A file in UTF-8 with a few damaged lines is a damaged file, and taking it for another encoding would make
    letters of the damage.
    """
    strange: list[bytes] = []
    n_multibyte = 0
    for raw in raws:
        if not raw.isascii():
            try:
                raw.decode()
                n_multibyte += 1
            except UnicodeDecodeError:
                strange.append(raw)
    if not strange or n_multibyte > len(strange):
        return "utf-8"
    return _recognise(strange)


def decode_bytes(raw: bytes, place: str, encoding: str = "utf-8", offset: int = 0) -> str:
    """Decode strictly.

    Args:
        raw: Bytes to decode.
        place: Where they are, for the message.
        encoding: Theirs.
        offset: Their position in the file.

    Raises:
        DataError: If they are not in the encoding or hold a NUL, with the place and offset of the first.
    """
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        shown = "UTF-8" if encoding == "utf-8" else encoding
        raise DataError(
            f"texts must be {shown}: {place} has the byte 0x{raw[error.start]:02x} at offset "
            f"{offset + error.start}; correct it, or name the right one as `encoding`, for example latin-1"
        ) from error
    if "\0" in text:
        raise DataError(
            f"a text must not hold a NUL character: {place} has one at offset {offset + raw.index(0)}; "
            "remove it, or name the right `encoding`"
        )
    return text


def _recognise(strange: Sequence[bytes]) -> str:
    import charset_normalizer

    whole = b"".join(strange)
    letters = whole.translate(None, _NO_LETTERS)
    n_high = len(letters.translate(None, _ASCII))
    # A script of its own is most of a text; a few bytes beside the letters of ASCII are accents and quotes.
    plausible = _LATIN if n_high < _SHARE_OF_ACCENTS * len(letters) else _LATIN + _OTHER
    matches = charset_normalizer.from_bytes(whole[:_SAMPLED_BYTES], cp_isolation=list(plausible))
    has_controls = len(whole.translate(None, _CONTROLS)) < len(whole)  # in ISO's encodings, letters elsewhere
    fitting = [
        match
        for match in matches
        if _decodes(whole, match.encoding)
        and not (has_controls and match.encoding in ("latin_1", "iso8859_2"))
    ]
    western = "cp1252" if _decodes(whole, "cp1252") else "latin-1"  # in which every byte is something
    if not fitting:
        return western
    best = fitting[0]
    coherence = max((match.coherence for match in fitting if match.encoding in _WESTERN), default=-1.0)
    is_western = best.encoding in _WESTERN or "cp1252" in best.could_be_from_charset
    # cp1252 is by far the most frequent, and a few accents look alike in it and its neighbours.
    if is_western or coherence >= best.coherence - _TIE:
        return western
    return best.encoding.replace("_", "-")


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _wide_encoding(start: bytes) -> str | None:
    """UTF-16 or UTF-32 by their marks; UTF-16 without one by the zeros in every second byte."""
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding if encoding in _WIDE else None
    n_pairs = len(start) // 2
    for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        others = start[::2] if encoding == "utf-16-le" else start[1::2]
        if n_pairs >= 4 and zeros.count(0) > 0.6 * n_pairs and others.count(0) == 0:
            return encoding
    return None


def _wide_of(encoding: str) -> str | None:
    name = _known(encoding)
    return encoding if name.startswith(_WIDE) else None


def _known(encoding: str) -> str:
    """The codec's own name.

    Raises:
        DataError: If Python knows none of this name.
    """
    try:
        name = codecs.lookup(encoding).name
        b"".decode(name)
    except (LookupError, ValueError) as error:
        raise DataError(
            f"encoding must be one that Python knows: got {quoted(encoding)}; give for example utf-8, "
            "cp1252, latin-1, utf-16 or gb18030"
        ) from error
    return "utf-8" if name == "utf-8-sig" else name


def _split(stream: io.BufferedReader, name: str, max_bytes: int) -> list[bytes]:
    raws: list[bytes] = []
    while raw := stream.readline(max_bytes + 1):
        check_size(len(raw), f"line {len(raws) + 1} of {quoted(name)}", max_bytes)
        raws.append(raw)
    if len(raws) == 1 and b"\r" in raws[0][:-2]:
        lines = raws[0].split(b"\r")  # as written before 2001, and by some spreadsheets still
        return [line + b"\r" for line in lines[:-1]] + lines[-1:]
    return raws


def _decode_lines(raws: list[bytes], name: str, encoding: str, offset: int) -> list[str]:
    try:
        lines = [raw.decode(encoding) for raw in raws]
        if not any("\0" in line for line in lines):
            return lines
    except UnicodeDecodeError:
        pass  # found again below, where its place is known
    for number, raw in enumerate(raws, start=1):
        decode_bytes(raw, f"line {number} of {quoted(name)}", encoding, offset)
        offset += len(raw)
    return [raw.decode(encoding) for raw in raws]


def _read_wide(stream: io.BufferedReader, name: str, encoding: str) -> list[str]:
    lines: list[str] = []
    try:
        with io.TextIOWrapper(stream, encoding=encoding, newline="\n") as text:
            while line := text.readline(MAX_ROW_BYTES // 4 + 1):
                place = f"line {len(lines) + 1} of {quoted(name)}"
                check_size(len(line) * 4, place)
                if "\0" in line:
                    raise DataError(f"a text must not hold a NUL character: {place} has one; remove it")
                lines.append(line)
    except UnicodeError as error:
        raise DataError(
            f"texts must be {encoding}: {quoted(name)} is not after line {len(lines)} ({error}); correct it, "
            "or name the right one as `encoding`"
        ) from error
    if lines:
        lines[0] = lines[0].removeprefix("\ufeff")
    return lines
