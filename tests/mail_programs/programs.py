"""How mail programs put an answer together: what stands around its words and those it quotes.

Templates of the HTML use `{}` for what they wrap. Looked up in mails that those programs sent and
in what other readers of mail recognise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Literal

from tests.mail_programs.languages import Language

Form = Literal["both", "html", "text"]


@dataclass(frozen=True)
class Party:
    """Somebody with a name and an address."""

    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>"


@dataclass(frozen=True)
class Quoted:
    """The mail that is quoted."""

    language: Language
    author: Party
    reader: Party
    subject: str


Said = Callable[[Quoted], str]


def _line(which: Literal["gmail", "apple", "plain", "long"]) -> Said:
    def said(quoted: Quoted) -> str:
        template: str = getattr(quoted.language, which)
        return template.format(who=quoted.author, name=quoted.author.name)

    return said


def _zoho(quoted: Quoted) -> str:
    line = _line("gmail")(quoted).rstrip(":： ") if quoted.language.code != "en" else ""
    line = line or f"On Mon, 23 Nov 2026 10:00:00 +0100 {quoted.author} wrote"
    return f"---- {line} ---"


def _fastmail(quoted: Quoted) -> str:
    if quoted.language.code == "en":
        return f"On Mon, 23 Nov 2026, at 10:00 AM, {quoted.author.name} wrote:"
    return _line("plain")(quoted)


def _headers(*, above: str = "", named: bool = False, dated: bool = False, at: str = "") -> Said:
    """The lines that head a quoted mail, below `above` with the words for "Original message".

    `named` writes the author's name without an address, `dated` calls the second line Date, and
    `at` replaces the day.
    """

    def said(quoted: Quoted) -> str:
        sender, sent, to, subject, date = quoted.language.labels
        colon = " :" if quoted.language.code == "fr" else ":"
        lines = [above.format(quoted.language.original)] if above else []
        author = quoted.author.name if named else str(quoted.author)
        return "\n".join(
            [
                *lines,
                f"{sender}{colon} {author}",
                f"{date if dated else sent}{colon} {at or quoted.language.day}",
                f"{to}{colon} {quoted.reader}",
                f"{subject}{colon} {quoted.subject}",
            ]
        )

    return said


def _gmx(quoted: Quoted) -> str:
    sender, sent, to, subject, _ = quoted.language.labels
    author, reader = quoted.author, quoted.reader
    return "\n".join(
        [
            f"{sent}: {quoted.language.day}",
            f'{sender}: "{author.name}" <{author.address}>',
            f"{to}: {reader.address}",
            f"{subject}: {quoted.subject}",
        ]
    )


@dataclass(frozen=True)
class Program:
    """What a program writes."""

    name: str
    quotes: Literal["angles", "bare"]
    """Whether its plain text puts `> ` before what it quotes."""
    said: Said
    """Who is quoted: one line, or the headers of the mail."""
    para: str = "<div>{}</div>"
    """The HTML of one paragraph of the answer."""
    gap: str = "<div><br></div>"
    page: str = "<html><head></head><body>{}</body></html>"
    opening: str = ""
    """The HTML before what is quoted, with who is quoted in it."""
    cite: str = "<div>{}</div>"
    ending: str = ""
    sets_apart: str = ""
    """The HTML of the signature; without one it stands like any other paragraph."""
    footer: Literal["", "iphone", "outlook", "galaxy"] = ""
    within: bool = False
    """Whether who is quoted stands within the quote, as Apple has it."""
    above: str = ""
    """A line of the plain text above who is quoted."""
    indent: str = ""
    forms: tuple[Form, ...] = ("both", "html", "text")


_GMAIL_CITE = (
    '<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid '
    'rgb(204,204,204);padding-left:1ex"><div dir="ltr">{}</div></blockquote>'
)
_GMAIL_OPENING = (
    '<br><div class="gmail_quote gmail_quote_container">'
    '<div dir="ltr" class="gmail_attr">{}<br></div>'
)
_GMAIL_SIGNATURE = (
    '<br clear="all"><div><br></div><span class="gmail_signature_prefix">-- </span><br>'
    '<div dir="ltr" class="gmail_signature" data-smartmail="gmail_signature">'
    '<div dir="ltr">{}</div></div>'
)
_CITE = '<blockquote type="cite">{}</blockquote>'
_WORD_RULE = (
    "<div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'>"
    "<p class=MsoNormal>{}<o:p></o:p></p></div></div><p class=MsoNormal><o:p>&nbsp;</o:p></p>"
)
_NEW_RULE = (
    '<div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1">'
    '<div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif" color="#000000">{}</font>'
    "<div>&nbsp;</div></div>"
)
_ELEMENT = (
    '<div class="elementToProof" style="font-family: Aptos, sans-serif; font-size: 12pt;">{}</div>'
)
_MOBILE = (
    '<div id="ms-outlook-mobile-body-separator-line" dir="ltr"><br></div>'
    '<div id="mail-editor-reference-message-container" dir="ltr">'
    '<div class="ms-outlook-mobile-reference-message skipProofing">'
    '<hr style="display:inline-block;width:98%" tabindex="-1">'
    '<div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif">{}</font></div></div>'
)
_UNDERLINE = "_" * 32

GMAIL = Program(
    name="Gmail on the web", quotes="angles", said=_line("gmail"),
    page='<div dir="ltr">{}</div>', opening=_GMAIL_OPENING, cite=_GMAIL_CITE, ending="</div>",
    sets_apart=_GMAIL_SIGNATURE,
)  # fmt: skip
GMAIL_ANDROID = Program(
    name="Gmail on Android", quotes="angles", said=_line("gmail"),
    para='<div dir="auto">{}</div>', gap='<div dir="auto"><br></div>', page="{}",
    opening=_GMAIL_OPENING, cite=_GMAIL_CITE, ending="</div>",
)  # fmt: skip
GMAIL_IOS = Program(
    name="Gmail on iOS", quotes="angles", said=_line("gmail"),
    para='<div dir="auto">{}</div>', gap='<div dir="auto"><br></div>', page="<div>{}</div>",
    opening='<div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{}<br></div>',
    cite='<blockquote class="gmail_quote" style="margin:0 0 0 .8ex">{}</blockquote>',
    ending="</div></div>",
)  # fmt: skip
OUTLOOK_WORD = Program(
    name="Outlook with Word", quotes="bare", said=_headers(),
    para="<p class=MsoNormal>{}<o:p></o:p></p>", gap="<p class=MsoNormal><o:p>&nbsp;</o:p></p>",
    page='<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style><!-- p.MsoNormal '
    '{{margin:0cm}} --></style></head><body lang=EN-US link=blue><div class=WordSection1>{}</div>'
    "</body></html>",
    opening=_WORD_RULE, cite="<p class=MsoNormal>{}<o:p></o:p></p>",
)  # fmt: skip
OUTLOOK_NAMES = Program(
    name="Outlook with Word, names only", quotes="bare", said=_headers(named=True),
    para="<p class=MsoNormal>{}<o:p></o:p></p>", gap="<p class=MsoNormal><o:p>&nbsp;</o:p></p>",
    page="<html><body><div class=WordSection1>{}</div></body></html>",
    opening=_WORD_RULE.replace("#E1E1E1", "#B5C4DF"), cite="<p class=MsoNormal>{}</p>",
    forms=("html",),
)  # fmt: skip
OUTLOOK_2003 = Program(
    name="Outlook 2003", quotes="bare", said=_headers(above="-----{}-----"),
    para='<div><font face="Arial" size="2">{}</font></div>',
    opening='<blockquote style="MARGIN-RIGHT: 0px"><div class="OutlookMessageHeader" dir="ltr" '
    'align="left"><font face="Tahoma" size="2">{}<br></font></div><br>',
    ending="</blockquote>",
)  # fmt: skip
OUTLOOK_NEW = Program(
    name="New Outlook", quotes="bare", said=_headers(), para=_ELEMENT,
    gap=_ELEMENT.format("<br>"), opening=_NEW_RULE, above=_UNDERLINE,
)  # fmt: skip
OUTLOOK_MOBILE = Program(
    name="Outlook on iOS", quotes="bare", said=_headers(), para='<div dir="ltr">{}</div>',
    gap='<div dir="ltr"><br></div>', opening=_MOBILE, ending="</div>", above=_UNDERLINE,
    sets_apart='<div id="ms-outlook-mobile-signature" dir="ltr">{}</div>', footer="outlook",
)  # fmt: skip
HOTMAIL = Program(
    name="Hotmail", quotes="bare", said=_headers(dated=True),
    para="<div dir='ltr'>{}</div>", page="<html><body class='hmmessage'>{}</body></html>",
    opening='<div><hr id="stopSpelling">{}<br><br></div>', above=_UNDERLINE,
)  # fmt: skip
APPLE_MAIL = Program(
    name="Apple Mail on macOS", quotes="angles", said=_line("apple"), within=True,
    page='<html><body style="overflow-wrap: break-word;">{}</body></html>',
    opening='<br id="lineBreakAtBeginningOfMessage"><div><br>',
    cite='<blockquote type="cite"><div>{}</div></blockquote>', ending="</div><br>",
)  # fmt: skip
APPLE_IOS = Program(
    name="Apple Mail on iOS", quotes="angles", said=_line("apple"), within=True,
    para='<div dir="ltr">{}</div>', gap='<div dir="ltr"><br></div>',
    page='<html><body dir="auto">{}</body></html>',
    opening='<div dir="ltr"><br></div>',
    cite='<blockquote type="cite"><div dir="ltr">\ufeff{}</div></blockquote>',
    sets_apart='<br id="lineBreakAtBeginningOfSignature"><div dir="ltr">{}</div>', footer="iphone",
)  # fmt: skip
YAHOO = Program(
    name="Yahoo Mail", quotes="bare", said=_line("long"), indent="    ",
    para='<div dir="ltr" data-setdir="false">{}</div>', gap="<div><br></div>",
    page='<html><head></head><body><div class="ydp1yahoo-style-wrap">{}</div></body></html>',
    opening='</div><div id="yahoo_quoted_4922596405" class="yahoo_quoted"><div style="font-size:'
    '13px;color:#26282a;"><div>{}</div><div><br></div><div><br></div>',
    ending="</div></div><div>",
)  # fmt: skip
THUNDERBIRD = Program(
    name="Thunderbird", quotes="angles", said=_line("plain"), para="<p>{}</p>", gap="",
    opening='<div class="moz-cite-prefix">{}<br></div>',
    cite='<blockquote type="cite" cite="mid:own-1@mail.cplus.example"><p>{}</p></blockquote>',
    sets_apart='<div class="moz-signature">-- <br>{}</div>',
)  # fmt: skip
SAMSUNG = Program(
    name="Samsung Email", quotes="bare", footer="galaxy",
    said=_headers(above="-------- {} --------", dated=True, at="23/11/2026  10:00  (GMT+01:00)"),
    para='<div dir="auto">{}</div>', gap='<div dir="auto"><br></div>',
    sets_apart='<div id="composer_signature" dir="auto"><div style="font-size:12px">{}</div></div>',
    opening='<div dir="auto"><br></div><div><br></div><div align="left" dir="auto" '
    'style="font-size:100%;color:#000000">{}<div><br></div></div>',
)  # fmt: skip
PROTON = Program(
    name="Proton Mail", quotes="angles", said=_line("long"),
    para='<div style="font-family: Arial, sans-serif; font-size: 14px;">{}</div>',
    gap='<div style="font-family: Arial, sans-serif; font-size: 14px;"><br></div>',
    opening='<div class="protonmail_quote">{}<br><br>',
    cite='<blockquote class="protonmail_quote" type="cite">{}</blockquote><br>', ending="</div>",
)  # fmt: skip
GMX = Program(
    name="GMX and WEB.DE", quotes="bare", said=_gmx, gap="<div>&nbsp;</div>",
    page='<html><head></head><body><div style="font-family: Verdana;font-size: 12.0px;">{}</div>'
    "</body></html>",
    opening='<div>&nbsp;<div name="quote" style="margin:10px 5px 5px 10px; padding: 10px 0 10px '
    '10px; border-left:2px solid #C3D9E5;"><div style="margin:0 0 10px 0;">{}</div>'
    '<div name="quoted-content">',
    ending="</div></div></div>",
)  # fmt: skip
ZOHO = Program(
    name="Zoho Mail", quotes="bare", said=_zoho,
    page='<html><head></head><body><div style="font-family: Verdana, Arial; font-size: 10pt;">{}'
    "</div></body></html>",
    opening='<div class="zmail_extra"><div id="Zm-_Id_-Sgn1">{}<br></div><div><br></div>'
    '<blockquote id="blockquote_zmail" style="margin: 0px;">',
    ending="</blockquote></div>",
)  # fmt: skip
AOL = Program(
    name="AOL", quotes="bare", said=_headers(above="-----{}-----"),
    para='<div><font face="Arial, Helvetica, sans-serif">{}</font></div>', gap="<div> <br>\n</div>",
    opening='<div style="clear:both"></div><div style="font-family:arial,helvetica;font-size:10pt;'
    'color:black">{}<br><br><div id="AOLMsgPart_0_4ab4349e" style="margin: 0px;">',
    ending="</div></div>",
)  # fmt: skip
FASTMAIL = Program(
    name="Fastmail", quotes="angles", said=_fastmail, opening="<div>{}<br></div>",
    cite='<blockquote type="cite" id="qt">{}</blockquote>', ending="<div><br></div>",
)  # fmt: skip
ROUNDCUBE = Program(
    name="Roundcube", quotes="angles", said=_line("plain"), para="<p>{}</p>", gap="",
    opening='<p id="reply-intro">{}</p>',
    cite='<blockquote type="cite" style="padding: 0 0.4em; border-left: #1010ff 2px solid; '
    'margin: 0"><div id="replybody1">{}</div></blockquote>',
)  # fmt: skip
K9 = Program(
    name="K-9 Mail", quotes="angles", said=_line("long"), page="<html><body>{}</body></html>",
    opening='<br><br><div class="gmail_quote"><div dir="auto">{}</div>',
    cite='<blockquote class="gmail_quote" style="margin: 0pt 0pt 1ex 0.8ex; border-left: 1px solid '
    'rgb(204, 204, 204); padding-left: 1ex;">{}</blockquote>',
    ending="</div>",
)  # fmt: skip

PROGRAMS = (
    *(GMAIL, GMAIL_ANDROID, GMAIL_IOS, OUTLOOK_WORD, OUTLOOK_NAMES, OUTLOOK_2003, OUTLOOK_NEW),
    *(OUTLOOK_MOBILE, HOTMAIL, APPLE_MAIL, APPLE_IOS, YAHOO, THUNDERBIRD, SAMSUNG, PROTON, GMX),
    *(ZOHO, AOL, FASTMAIL, ROUNDCUBE, K9),
)


def as_html(said: str) -> str:
    """Who is quoted, as HTML: labels bold, the address a link."""
    lines = []
    for line in said.split("\n"):
        label, colon, rest = line.partition(": ")
        words = escape(rest if colon and len(label) < 20 else line, quote=False)
        lines.append(
            f"<b>{escape(label)}:</b> {words}" if words != escape(line, quote=False) else words
        )
    return "<br>".join(lines)
