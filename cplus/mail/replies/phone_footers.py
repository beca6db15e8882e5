"""Knows the line that a phone or a mail program adds: "Sent from my iPhone"."""

from __future__ import annotations

import re

_LENGTH = 90
_AROUND = " *_\t-()<>.!"
_LINK = re.compile(r"\s?<https?://[^\s<>]{1,80}\Z")

_BRANDS = (
    r"iphon|ipad|ipod|android|samsung|galaxy|huawei|xiaomi|redmi|oneplus|pixel|nokia|motorola"
    r"|blackberry|windows|outlook|yahoo|gmail|gmx|web\.de|icloud|proton|tuta|aol|айфон"
)
_DEVICES = (
    "phone|mobil|mobile|mobiltelefon|móvil|movil|celular|handy|smartphone|smarttelefon|telefon|téléphone|telefoon"
    "|tablet|e?-?mail|app|device|gerät|appareil|apparaat|dispositivo|enhet|телефон|смартфон"
)
_MY = (
    "my|mein|meine[mnrs]|mon|ma|mi|mio|mia|meu|minha|min|mitt|mijn|mojego|moje|mého|môjho|моего"
    "|моей|мого|моя|моят|μου|saya|שלי"
)
_SMALL = (
    "the|der|dem|den|das|die|le|la|el|il|lo|de|del|do|het|een|το|on|auf|på|sur|for|för|für|pour|para"
    "|per|voor|til|till|dla|pro|для|mit|with|avec|con|com|met|med|in|en|pe|ios|secure"
    "|gesendet|versendet|verschickt|downloaden"
)
_MODEL = r"[a-z]{0,4}\d{1,3}[a-z+]{0,2}|pro|max|ultra|plus|mini|edge|note|lite|fe|xl|se|[a-z]"

_BRAND = re.compile(_BRANDS, re.IGNORECASE)
# Languages put endings to the name of a phone, and Hebrew the word for "from" before it.
_KNOWN = re.compile(
    rf"(?:ה-)?(?:{_BRANDS})[\w'’-]{{0,9}}|(?:{_DEVICES})\w{{0,2}}|{_MY}|{_SMALL}|{_MODEL}",
    re.IGNORECASE,
)
_MINE = re.compile(rf"(?<!\w)(?:{_MY})\s(?:{_DEVICES})", re.IGNORECASE)
_SENT_WITH = re.compile(
    r"(?:sent (?:from|via|with|using)|get(?= outlook)|(?:von|vom)(?= mein)"
    r"|gesendet (?:von|vom|mit|über)|diese nachricht wurde (?:von|mit)"
    r"|envoyé (?:depuis|de|à partir d[eu])|télécharge[rz]?(?= outlook)"
    r"|enviado (?:desde|do|de|a partir d[eo])|obtener(?= outlook)|obter o(?= outlook)"
    r"|inviato (?:da|dal)|(?:scarica|ottieni)(?= outlook)|verzonden (?:vanaf|vanuit|met)"
    r"|verstuurd vanaf|skickat från|sendt fra|(?:hent|hämta|hanki)(?= outlook)|lähetetty"
    r"|wysłan[eoy] z|pobierz program(?= outlook)|odesláno z|odoslané z|küldve|trimis de (?:pe|la)"
    r"|отправлено (?:с|из)|надіслано з|изпратено от|στάλθηκε από|dikirim dari)(?!\w)"
    r"|outlook voor(?= )|נשלח מ",
    re.IGNORECASE,
)
_NAMED = rf"(?:{_BRANDS}|手机|手機|携帯|スマートフォン|スマホ)e?(?:\s(?:{_MODEL})){{0,3}}"
_OS = r"(?:ios|android|mac)"
# Where the words for "sent from" are not parted from the name, or stand behind it.
_WHOLE = re.compile(
    rf"(?:发自|發自|從|从|來自)\s?(?:我的)?\s?{_NAMED}|내\s{_NAMED}에서(?: 보냄)?"
    rf"|(?:私の)?{_NAMED}から送信(?:されました)?|(?:{_BRANDS})[\w'’]{{0,8}} gönderildi"
    rf"|(?:{_BRANDS}) cihazımdan gönderildi|(?:从|從)我的 ?{_NAMED} ?(?:发送|傳送)"
    rf"|(?:أُ?رسلت|تم الإرسال) من (?:جهاز |الـ ?)?{_NAMED}(?: الخاص بي)?"
    rf"|wysłan[eoy] z urządzenia {_NAMED}|outlook für {_OS} beziehen"
    rf"|pobierz (?:program|aplikację) outlook (?:dla|na) (?:systemu |system )?{_OS}"
    rf"|{_OS} için outlook[’']u edinin|outlook for {_OS} ?を入手|{_OS} ?版 ?outlook ?を入手"
    rf"|获取 ?(?:outlook for {_OS}|适用于 ?{_OS} ?的 ?outlook)|קבל את outlook עבור {_OS}"
    rf"|الحصول على outlook لـ ?{_OS}",
    re.IGNORECASE,
)


def is_phone_footer(line: str) -> bool:
    """Whether a program adds the line: nothing but words of which such footers consist.

    It names a make or a program, or a device as the sender's own. With any other word in it, or a
    colon, a person may have written it, so it is none.
    """
    if len(line.strip()) > _LENGTH:
        return False
    words = _LINK.sub("", line.strip(_AROUND)).rstrip(_AROUND)
    if _WHOLE.fullmatch(words):
        return True
    sent = _SENT_WITH.match(words)
    if sent is None or not (_BRAND.search(words) or _MINE.search(words)):
        return False
    rest = words[sent.end() :].split()
    return bool(rest) and all(_KNOWN.fullmatch(word.strip(",")) for word in rest)
