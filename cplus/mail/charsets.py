"""Charsets by the names that senders give them, and what those names really stand for.

Source: the WHATWG Encoding Standard, "Names and labels": what a label stands for in practice, for
example windows-1252 for iso-8859-1, since that is what programs send under it.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

_LABELS: Final = {
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8 utf-8n",
    "cp866": "866 cp866 csibm866 ibm866",
    "iso8859-2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 "
    "iso_8859-2:1987 l2 latin2 latin-2",
    "iso8859-3": "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 "
    "iso_8859-3:1988 l3 latin3",
    "iso8859-4": "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 "
    "iso_8859-4:1988 l4 latin4",
    "iso8859-5": "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 "
    "iso_8859-5 iso_8859-5:1988",
    "iso8859-6": "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 "
    "iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    "iso8859-7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 "
    "iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek",
    "iso8859-8": "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 "
    "iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual csiso88598i iso-8859-8-i logical",
    "iso8859-10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9 latin-9 latin9",
    "iso8859-16": "iso-8859-16",
    "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "mac-roman": "csmacintosh mac macintosh x-mac-roman",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "cp874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874 cp874 cp-874",
    "cp1250": "cp1250 windows-1250 x-cp1250",
    "cp1251": "cp1251 windows-1251 x-cp1251",
    "cp1252": "ansi_x3.4-1968 cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 "
    "iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 latin-1 windows-1252 x-cp1252",
    "cp1253": "cp1253 windows-1253 x-cp1253",
    "cp1254": "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 "
    "iso_8859-9:1989 l5 latin5 windows-1254 x-cp1254",
    "cp1255": "cp1255 windows-1255 x-cp1255",
    "cp1256": "cp1256 windows-1256 x-cp1256",
    "cp1257": "cp1257 windows-1257 x-cp1257",
    "cp1258": "cp1258 windows-1258 x-cp1258",
    "gb18030": "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk "
    "gb18030 cp936 ms936 windows-936 euc-cn euccn",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5 cp950 ms950",
    "euc_jp": "cseucpkdfmtjapanese euc-jp x-euc-jp eucjp",
    "iso2022_jp": "csiso2022jp iso-2022-jp iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-ms cp50220 "
    "cp50221",
    "cp932": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis cp932 "
    "windows-932 shift_jis-2004",
    "cp949": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 "
    "ksc5601 ksc_5601 windows-949 cp949 ms949 uhc",
    "utf-16-le": "csunicode iso-10646-ucs-2 ucs-2 unicodefeff utf-16 utf-16le",
    "utf-16-be": "unicodefffe utf-16be",
}
_CODECS: Final = {label: codec for codec, labels in _LABELS.items() for label in labels.split()}
# Mail says ASCII and means whatever its sender's machine writes: UTF-8, nearly always.
_CODECS.update({"us-ascii": "utf-8", "ascii": "utf-8"})
# Codecs of Python's that are no charsets of mail; some take quadratic time.
_NO_CHARSETS: Final = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODE_PAGE: Final = re.compile(r"(?:cp|ibm|windows|dos)[-_]?(\d{3,5})")
_KANJI: Final = re.compile(rb"\x1b\$[@B](.*?)(?=\x1b|\Z)", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\x1b(?:\([A-Z]|\$[@A-Z])")


def codec_of(label: str) -> str | None:
    """Python's codec for a charset by the name that a sender gives it; None for no charset."""
    name = label.strip().strip("\"'").strip().lower()
    if name in _CODECS:
        return _CODECS[name]
    if page := _CODE_PAGE.fullmatch(name):
        name = _CODECS.get(f"cp{page[1]}", f"cp{page[1]}")
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError):
        return None
    is_text = getattr(found, "_is_text_encoding", True)
    plain = found.name.replace("-", "_")
    return found.name if is_text and plain not in _NO_CHARSETS else None


def marked(data: bytes, codec: str | None) -> tuple[str | None, int]:
    """The codec that a byte order mark at the beginning names, and the length of the mark in bytes;
    without one, the codec that the sender named, and 0.

    A mark of UTF-16 counts only if the sender named Unicode or nothing known: in windows-1251 the
    same two bytes are letters.
    """
    for mark, named in _MARKS:
        if data.startswith(mark):
            unicode = codec is None or codec == "utf-8" or codec.startswith("utf-16")
            return (named, len(mark)) if unicode or named == "utf-8" else (codec, 0)
    return codec, 0


def decoded(data: bytes, codec: str, *, whole: bool = True) -> str:
    """The text of bytes in a codec that `codec_of` names; raises UnicodeError, ValueError.

    `whole` is False if the bytes may end within a character, which is left out then.
    """
    if whole and codec in ("utf-8", "cp1252"):
        return data.decode(codec)  # without a decoder of its own, which takes longer to make
    try:
        return codecs.getincrementaldecoder(codec)().decode(data, final=whole)
    except UnicodeDecodeError:
        if codec != "iso2022_jp":
            raise
        return _ESCAPE.sub(b"", _KANJI.sub(_as_shift_jis, data)).decode("cp932")


def _as_shift_jis(found: re.Match[bytes]) -> bytes:
    """A run of JIS X 0208 in Shift JIS, which has the characters that vendors added (①, ㈱)."""
    run = found[1]
    if len(run) % 2 or any(not 0x21 <= byte <= 0x7E for byte in run):
        raise UnicodeDecodeError("iso2022_jp", run, 0, len(run), "no pairs of 7-bit bytes")
    written = bytearray()
    for row, cell in zip(run[::2], run[1::2], strict=True):
        lead = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
        odd_trail = cell + (0x1F if cell < 0x60 else 0x20)
        written += bytes((lead, odd_trail if row % 2 else cell + 0x7E))
    return bytes(written)
