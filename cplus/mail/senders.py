"""What a sender is called when they are blocked: the normal form of an address, and its domain."""

from __future__ import annotations

from typing import Final

PUBLIC_DOMAINS: Final = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "yahoo.com",
        "ymail.com",
        "aol.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "proton.me",
        "protonmail.com",
        "pm.me",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "gmx.at",
        "gmx.ch",
        "web.de",
        "t-online.de",
        "freenet.de",
        "mail.com",
        "zoho.com",
        "yandex.com",
        "yandex.ru",
        "mail.ru",
        "qq.com",
        "163.com",
        "126.com",
        "naver.com",
        "daum.net",
        "orange.fr",
        "wanadoo.fr",
        "free.fr",
        "laposte.net",
        "sfr.fr",
        "libero.it",
        "virgilio.it",
        "hotmail.co.uk",
        "hotmail.fr",
        "hotmail.de",
        "hotmail.it",
        "hotmail.es",
        "outlook.de",
        "outlook.fr",
        "outlook.es",
        "live.co.uk",
        "yahoo.co.uk",
        "yahoo.fr",
        "yahoo.de",
        "yahoo.it",
        "yahoo.es",
        "yahoo.co.jp",
        "yahoo.co.in",
        "yahoo.com.br",
        "btinternet.com",
        "sky.com",
        "virginmedia.com",
        "comcast.net",
        "verizon.net",
        "att.net",
        "sbcglobal.net",
        "cox.net",
        "rediffmail.com",
        "uol.com.br",
        "bol.com.br",
        "terra.com.br",
        "seznam.cz",
        "wp.pl",
        "o2.pl",
        "onet.pl",
        "interia.pl",
        "bluewin.ch",
        "telenet.be",
        "skynet.be",
        "ziggo.nl",
        "kpnmail.nl",
        "hushmail.com",
        "fastmail.com",
        "tutanota.com",
    ]
)
"""Where anybody can have an address: to block such a domain would hold back customers."""


def normal_sender(address: str) -> str:
    """The address as it is blocked: in lower case, the domain as mail servers write it, and without
    what follows a plus, which its owner makes up at will. Dots stay: for most domains they tell two
    mailboxes apart. Empty for what is no address."""
    local, at, domain = address.strip().lower().rpartition("@")
    name = local.partition("+")[0] or local
    return f"{name}@{normal_domain(domain)}" if at and name and domain else ""


def normal_domain(domain: str) -> str:
    """The domain in lower case, in the letters that mail servers use."""
    domain = domain.strip().lower().rstrip(".")
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:  # too long, or nothing that IDNA knows
        return domain


def domain_of(address: str) -> str:
    """The domain of an address, as it is blocked: that very one, not those below it."""
    return normal_sender(address).rpartition("@")[2]
