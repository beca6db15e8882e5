"""Mails of each kind that a shop gets, with the headers that mail has when SES hands it over."""

from __future__ import annotations

import random
from email.message import EmailMessage
from html import escape

MEGABYTE = 1024 * 1024
_CHANCE = random.Random(13)

# A mail by way of Gmail has about these, each of about this length.
_RELAYED = """\
Return-Path: <ines.okafor@example.com>
Received: from mail-ej1-f54.example.com (mail-ej1-f54.example.com [192.0.2.54])
 by inbound-smtp.eu-west-1.amazonaws.com with SMTP id {token}
 for birch-bloom@mail.cplus.example; Mon, 23 Nov 2026 10:02:35 +0000 (UTC)
X-SES-Spam-Verdict: PASS
X-SES-Virus-Verdict: PASS
Received-SPF: pass (spfCheck: domain of example.com designates 192.0.2.54 as permitted sender)
 client-ip=192.0.2.54; envelope-from=ines.okafor@example.com; helo=mail-ej1-f54.example.com;
Authentication-Results: amazonses.com;
 spf=pass (spfCheck: domain of example.com designates 192.0.2.54 as permitted sender)
 client-ip=192.0.2.54; envelope-from=ines.okafor@example.com; helo=mail-ej1-f54.example.com;
 dkim=pass header.i=@example.com; dmarc=pass header.from=example.com;
X-SES-RECEIPT: {long}
X-SES-DKIM-SIGNATURE: a=rsa-sha256; q=dns/txt; b={long}
Received: by mail-ej1-f54.example.com with SMTP id a640c23a62f3a-b3e25{token}
 for <birch-bloom@mail.cplus.example>; Mon, 23 Nov 2026 02:02:34 -0800 (PST)
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=20251104; t=1795687354;
 x=1796292154; darn=mail.cplus.example; h=to:subject:message-id:date:from:in-reply-to:references
 :mime-version:from:to:cc:subject:date:message-id:reply-to; bh={token}=;
 b={long}
X-Google-DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=1e100.net; s=20251104;
 t=1795687354; x=1796292154; h=to:subject:message-id:date:from:in-reply-to:references
 :mime-version:x-gm-message-state:from:to:cc:subject:date:message-id:reply-to; bh={token}=;
 b={long}
X-Gm-Message-State: {long}
X-Gm-Gg: {long}
X-Received: by 2002:a17:907:980b:b0:b3e:2a4f with SMTP id {token};
 Mon, 23 Nov 2026 02:02:33 -0800 (PST)
References: <form-1@shopify.com> <own-1@mail.cplus.example> <0100@eu-west-1.amazonses.com>
In-Reply-To: <0100@eu-west-1.amazonses.com>
From: Ines Okafor <ines.okafor@example.com>
Date: Mon, 23 Nov 2026 11:02:33 +0100
Message-ID: <CAB{token}@mail.example.com>
Subject: Re: Your jug
To: Birch & Bloom <birch-bloom+tok@mail.cplus.example>
"""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SAID = "Two of the blue ones, please.\n\nSend them to the office. Order #1042 has the address."
_ASKED = "Would you like one or two?\n\nWhere should we send them?"
_WROTE = "On Mon, Nov 23, 2026 at 10:00 AM Birch & Bloom <birch-bloom@mail.cplus.example> wrote:"


def mails() -> dict[str, bytes]:
    """A mail of each kind, by what it is."""
    photo = ("photo.jpg", "image/jpeg", 3 * MEGABYTE)
    return {
        "a short text": _mail(f"{_SAID}\n\nBest regards,\nInes\n"),
        "a reply in text and HTML": _mail(_reply(), _reply_html()),
        "a newsletter in HTML, 75 KB": _mail(None, _newsletter()),
        "a reply with a photo of 3 MB": _mail(_reply(), _reply_html(), [photo]),
        "a PDF and a photo, 10 MB": _mail(
            _reply(), _reply_html(), [("form.pdf", "application/pdf", 7 * MEGABYTE), photo]
        ),
        "a file, 40 MB as it travels": _mail(
            _reply(), None, [("film.mp4", "video/mp4", 29 * MEGABYTE)]
        ),
    }


def _letters(count: int) -> str:
    return "".join(_CHANCE.choice(_LETTERS) for _ in range(count))


def _reply() -> str:
    quoted = "\n".join(f"> {line}".rstrip() for line in _ASKED.split("\n"))
    return f"{_SAID}\n\nBest regards,\nInes\n\n{_WROTE}\n\n{quoted}\n"


def _reply_html() -> str:
    said = "".join(f"<div>{one or '<br>'}</div>" for one in _SAID.split("\n"))
    asked = "".join(f"<p>{one}</p>" for one in _ASKED.split("\n\n"))
    return (
        f'<div dir="ltr">{said}<div><br></div><div>Best regards,</div><div>Ines</div></div><br>'
        f'<div class="gmail_quote"><div dir="ltr" class="gmail_attr">{escape(_WROTE)}<br></div>'
        f'<blockquote class="gmail_quote" style="margin:0px">{asked}</blockquote></div>'
    )


def _newsletter() -> str:
    row = (
        "<tr><td style='padding:8px;font-family:Arial'><a href='https://shop.example/p/{0}'>"
        "Jug {0}</a><br>Stoneware that holds one litre, made by hand in a small workshop.</td>"
        "<td align=right><img src='https://shop.example/i/{0}.png' width=80>40.00 EUR</td></tr>"
    )
    rows = "".join(row.format(number) for number in range(300))
    return f"<html><head><style>td{{color:#333}}</style></head><body><table>{rows}</table></body>"


def _mail(
    text: str | None, html: str | None = None, files: list[tuple[str, str, int]] | None = None
) -> bytes:
    mail = EmailMessage()
    if text is None:
        mail.set_content(html or "", subtype="html", cte="quoted-printable")
    else:
        mail.set_content(text)
        if html:
            mail.add_alternative(html, subtype="html")
    for name, kind, size in files or []:
        main, _, sub = kind.partition("/")
        mail.add_attachment(_CHANCE.randbytes(size), maintype=main, subtype=sub, filename=name)
    head = _RELAYED.format(token=_letters(36), long=_letters(344))
    return head.encode() + mail.as_bytes()
