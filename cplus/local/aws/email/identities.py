"""SES's identities that are verified by DNS: those with a configuration set of their own, as the
domains of merchants have one. All others are moto's, and verified at once: nobody could write the
records of our own domain on one machine.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateEmailIdentity.html and its like.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from cplus.local.aws.email.names import Names
from cplus.local.aws.email.refusals import MailRefused
from cplus.local.aws.endpoint import REGION

_PATH: Final = "/v2/email/identities"
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_ZONE: Final = f"dkim.{REGION}.amazonses.com"
_BACK: Final = f"10 feedback-smtp.{REGION}.amazonses.com"


@dataclass(slots=True)
class _Identity:
    name: str
    configuration_set: str
    mail_from: str = ""
    behaviour: str = "USE_DEFAULT_VALUE"
    was_verified: bool = False
    mail_from_worked: bool = False

    @property
    def tokens(self) -> list[str]:
        """The same whoever adds the domain, and each time."""
        seeds = (f"{self.name}/{number}".encode() for number in range(3))
        return [hashlib.sha256(seed).hexdigest()[:32] for seed in seeds]


class Identities:
    """The identities, and the calls of SES v2 that are about them."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._by_name: dict[str, _Identity] = {}

    def verified(self) -> list[str]:
        """Those that mail may leave from now, by DNS."""
        return [one.name for one in self._by_name.values() if self._dkim(one) == "SUCCESS"]

    def answer(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Answers a call about them; None if it is about something else. Raises MailRefused."""
        if path == _PATH:
            wanted = body.get("ConfigurationSetName")
            return self._create(body, str(wanted)) if method == "POST" and wanted else None
        name, _, what = unquote(path.removeprefix(f"{_PATH}/")).lower().partition("/")
        found = self._by_name.get(name)
        if not path.startswith(f"{_PATH}/") or found is None:
            return None
        match method, what:
            case "GET", "":
                return self._told(found)
            case "PUT", "mail-from":
                return self._set_mail_from(found, body)
            case "DELETE", "":
                del self._by_name[name]
                return {}
        return None

    def _create(self, asked: Mapping[str, Any], configuration_set: str) -> dict[str, Any]:
        name = str(asked.get("EmailIdentity", "")).lower()
        if not _DOMAIN.fullmatch(name):
            raise MailRefused(f"Invalid email identity <{name}>.")
        if name in self._by_name:
            raise MailRefused(
                f"Email identity {name} already exist.", code="AlreadyExistsException"
            )
        made = self._by_name[name] = _Identity(name, configuration_set)
        told = self._told(made)
        kept = ("IdentityType", "VerifiedForSendingStatus", "DkimAttributes")
        return {key: told[key] for key in kept}

    def _set_mail_from(self, found: _Identity, asked: Mapping[str, Any]) -> dict[str, Any]:
        domain = str(asked.get("MailFromDomain", "")).lower()
        if domain and not domain.endswith(f".{found.name}"):
            raise MailRefused(
                f"Provided MAIL-FROM domain <{domain}> is not subdomain of the domain."
            )
        found.mail_from, found.mail_from_worked = domain, False
        found.behaviour = str(asked.get("BehaviorOnMxFailure", "USE_DEFAULT_VALUE"))
        return {}

    def _told(self, one: _Identity) -> dict[str, Any]:
        status = self._dkim(one)
        told: dict[str, Any] = {
            "IdentityType": "DOMAIN",
            "VerifiedForSendingStatus": status == "SUCCESS",
            "VerificationStatus": status,
            "ConfigurationSetName": one.configuration_set,
            "DkimAttributes": {
                "SigningEnabled": True,
                "Status": status,
                "Tokens": one.tokens,
                "SigningHostedZone": _ZONE,
                "SigningAttributesOrigin": "AWS_SES",
            },
        }
        if one.mail_from:
            told["MailFromAttributes"] = {
                "MailFromDomain": one.mail_from,
                "MailFromDomainStatus": self._mail_from(one),
                "BehaviorOnMxFailure": one.behaviour,
            }
        return told

    def _dkim(self, one: _Identity) -> str:
        """Pending until the records are there; failed once they were and are not."""
        wanted = {token: f"{token}.{_ZONE}" for token in one.tokens}
        there = all(
            value in {v.rstrip(".").lower() for v in self._read(f"{t}._domainkey.{one.name}")}
            for t, value in wanted.items()
        )
        one.was_verified = one.was_verified or there
        return "SUCCESS" if there else "FAILED" if one.was_verified else "PENDING"

    def _read(self, name: str) -> list[str]:
        return list(self._names.read(name, "CNAME"))

    def _mail_from(self, one: _Identity) -> str:
        values = [value.rstrip(".").lower() for value in self._names.read(one.mail_from, "MX")]
        there = values == [_BACK]
        one.mail_from_worked = one.mail_from_worked or there
        return "SUCCESS" if there else "FAILED" if one.mail_from_worked else "PENDING"
