"""The formats of Shopify's contact-form mail: labels with values, in HTML and in text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import NamedTuple

from cplus.mail.reading.mailbox import normal_address


class Field(NamedTuple):
    """A label, without its colon, and its value."""

    label: str
    value: str


_ROLES = {
    "country_code": "country code|ländercode|landesvorwahl|code pays|indicatif du pays|"
    "código de país|código del país|prefisso|codice paese|código do país|landcode|landekode|"
    "landskod|maakoodi|kod kraju|国コード|国番号|国家代码|國家代碼|국가 코드|ülke kodu",
    "name": "name|nom|nombre|nome|naam|navn|namn|nimi|imię|jméno|név|nume|ad|isim|имя|ім'я|όνομα|"
    "お名前|名前|氏名|姓名|名稱|이름|ihr name|dein name|your name|full name|vor- und nachname",
    "email": "email|e-mail|email address|e-mail address|e-mail-adresse|courriel|adresse e-mail|"
    "adresse courriel|correo|correo electrónico|posta elettronica|indirizzo e-mail|"
    "indirizzo email|e-mailadres|e-post|e-postadress|sähköposti|adres e-mail|e-posta|"
    "электронная почта|メール|メールアドレス|eメール|邮箱|电子邮件|電子郵件|이메일",
    "phone": "phone|phone number|telefon|telefonnummer|téléphone|numéro de téléphone|teléfono|"
    "número de teléfono|telefono|numero di telefono|telefone|número de telefone|telefoon|"
    "telefoonnummer|puhelin|puhelinnumero|numer telefonu|телефон|電話|電話番号|电话|전화|전화번호",
    "body": "body|message|comment|nachricht|kommentar|inhalt|corps|contenu|commentaire|mensaje|"
    "cuerpo|comentario|messaggio|corpo|commento|mensagem|comentário|bericht|opmerking|besked|"
    "meddelande|melding|viesti|wiadomość|treść|zpráva|üzenet|mesaj|mesajınız|сообщение|"
    "повідомлення|μήνυμα|本文|メッセージ|お問い合わせ内容|コメント|正文|留言|消息|內容|본문|메시지",
}
_ROLE = {label: role for role, labels in _ROLES.items() for label in labels.split("|")}
_LABEL_LINE = re.compile(r"[ \t]*([^\W\d_][^:：\n]{0,60}?)[ \t]*[:：](?!//)[ \t]*(.*)")
_PHONE = re.compile(r"\+?[\d ()./-]{5,25}")
_COUNTRY = re.compile(r"[A-Z]{2}")


def role_of(field: Field) -> str | None:
    """The kind of a field by its label, in the languages of Shopify's labels."""
    return _ROLE.get(" ".join(field.label.lower().split()))


def role_by_value(field: Field) -> str | None:
    """The kind of a field by its value, for unknown languages."""
    if normal_address(field.value):
        return "email"
    if _COUNTRY.fullmatch(field.value):
        return "country_code"
    return "phone" if _PHONE.fullmatch(field.value) else None


class _FormReader(HTMLParser):
    """Reads bold labels and the values after them from sanitised HTML.

    With `form-section` parts, a label must be bold and first in its part. Nothing inside `<pre>` is
    a label: that is the customer's own text.
    """

    def __init__(self, *, sections: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.sections = sections
        self.fields: list[tuple[str, list[str]]] = []
        self.divs = self.preformatted = 0
        self.section: int | None = None
        self.labelled = False
        self.bold: list[str] | None = None
        self.line_is_empty = True

    def may_be_label(self) -> bool:
        if self.preformatted or self.bold is not None:
            return False
        if self.sections:
            return self.section is not None and not self.labelled
        return self.line_is_empty

    def write(self, text: str) -> None:
        if self.fields and (self.labelled or not self.sections):
            self.fields[-1][1].append(text)
            last = text.rpartition("\n")[2]
            begins = self.line_is_empty or len(last) < len(text)
            self.line_is_empty = begins and not last.strip(" ")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "div":
            self.divs += 1
            if self.section is None and "form-section" in (dict(attrs).get("class") or ""):
                self.section, self.labelled = self.divs, False
            else:
                self.write("\n")
        elif tag in ("b", "strong") and self.may_be_label():
            self.bold = []
        elif tag in ("br", "p", "li", "tr"):
            self.write("\n")
        self.preformatted += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if tag == "div":
            if self.section == self.divs:
                self.section, self.labelled = None, False
            self.divs -= 1
            self.write("\n")
        elif tag in ("b", "strong") and self.bold is not None:
            self.end_bold()
        elif tag in ("p", "tr"):
            self.write("\n")
        self.preformatted -= tag == "pre"

    def end_bold(self) -> None:
        text = "".join(self.bold or ()).strip()
        self.bold = None
        if text.endswith((":", "：")) and 1 < len(text) <= 80:
            self.fields.append((text[:-1].strip(), []))
            self.labelled = self.line_is_empty = True
        else:
            self.write(text)

    def handle_data(self, data: str) -> None:
        text = data if self.preformatted else re.sub(r"\s+", " ", data)
        if self.bold is not None:
            self.bold.append(text)
        else:
            self.write(text)


def fields_of_html(html: str) -> list[Field]:
    """The labelled values of a form mail's sanitised HTML, in order; empty if it has none."""
    reader = _FormReader(sections='class="form-section"' in html)
    reader.feed(html)
    reader.close()
    return [Field(label, _tidy("".join(parts))) for label, parts in reader.fields]


def _tidy(value: str) -> str:
    return "\n".join(line.rstrip() for line in value.split("\n")).strip()


def fields_of_text(text: str) -> list[Field]:
    """The labelled values of a form mail's text, in order; empty if it has none.

    The message comes last: after its label nothing counts as a label, because the customer may
    begin a line with anything. If its label is unknown, it is the first value after the address
    that is not a telephone number.
    """
    lines = text.split("\n")
    found: list[Field] = []
    number = 0
    address_seen = False
    while number < len(lines):
        match = _LABEL_LINE.fullmatch(lines[number])
        number += 1
        if match is None:
            continue
        label, value = match.group(1), match.group(2).strip()
        role = role_of(Field(label, ""))
        if role == "body" or (role is None and address_seen and not _short(lines, number, value)):
            body = "\n".join([value, *lines[number:]])
            return [*found, Field(label, _tidy(body))]
        if not value and number < len(lines) and not _is_known_label(lines[number]):
            value = lines[number].strip()
            number += 1
        found.append(Field(label, value))
        address_seen = address_seen or normal_address(value) is not None
    return found


def _short(lines: list[str], number: int, value: str) -> bool:
    """Whether the value, or its line, is a telephone number or a country."""
    value = value or (lines[number].strip() if number < len(lines) else "")
    return role_by_value(Field("", value)) is not None


def _is_known_label(line: str) -> bool:
    match = _LABEL_LINE.fullmatch(line)
    return match is not None and role_of(Field(match.group(1), "")) is not None
