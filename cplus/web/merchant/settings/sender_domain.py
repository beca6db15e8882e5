"""The domain from which the shop's mail leaves: ours, or one of the merchant's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog

from cplus.commands import sender_domains
from cplus.errors import InvalidInput
from cplus.events.aggregates.sender_domain import SenderDomain
from cplus.mail import shop_address
from cplus.mail.writing.sender_domains import Record, records, shown_domain
from cplus.web.merchant.settings.section import Looking, Section, Sent
from cplus.wording import worded

log = structlog.get_logger()

_KINDS: Final = {
    "proof": worded("Proves that the domain is yours"),
    "dkim": worded("Signs your email (DKIM)"),
    "mail_from": worded("Receives bounces (MAIL FROM)"),
    "spf": worded("Lets Amazon SES send it (SPF)"),
    "dmarc": worded("Says what to do with forged email (DMARC)"),
}


async def _shown(at: Looking) -> Mapping[str, Any]:
    domain = at.settings.domain
    budget = at.domains.budget
    base = {
        "works": bool(at.domain),
        "ours": shop_address(at.me.shop, at.domain) if at.domain else "",
        "used": await budget.used(at.me.shop) if at.domain else 0,
        "most": budget.shared,
        "domain": None,
    }
    if domain is None or not at.domain:
        return base
    return {
        **base,
        "domain": domain,
        "name": shown_domain(domain.name),
        "found": domain.found,
        "local": domain.local or "",
        "records": [
            {"kind": _KINDS[one.kind], "record": one, "state": _state(one, domain)}
            for one in _records(domain, at)
        ],
    }


def _records(domain: SenderDomain, at: Looking) -> list[Record]:
    proof, found = at.domains.own.proof(domain.name, at.me.shop), domain.found
    tokens, zone = (found.tokens, found.zone) if found else ((), "")
    return records(domain.name, proof, tokens, zone, at.domains.own.region)


def _state(record: Record, domain: SenderDomain) -> str:
    """`found`, `missing`, `failed` if it was there before, or `unknown`."""
    found = domain.found
    if found is None:
        return "unknown"
    match record.kind:
        case "proof":
            return "found" if found.proof else "missing"
        case "dmarc":
            return "found" if found.dmarc else "missing"
        case "dkim":
            told = found.dkim
        case "mail_from":
            told = found.mail_from
        case _:
            return "unknown"  # SES looks at the MX alone
    return {"SUCCESS": "found", "FAILED": "failed"}.get(told, "missing")


async def _save(at: Looking, sent: Sent) -> None:
    fields, shop = sent.fields, at.me.shop
    form: dict[str, Any] = {
        "key": sent.key,
        "source": "dashboard",
        "actor": at.me.actor,
        "use": at.use,
    }
    match fields.get("do"):
        case "add":
            if not at.domain:
                raise InvalidInput(reason=worded("this app takes no mail yet"))
            typed = fields.get("domain", "")
            await sender_domains.add_domain(shop, typed, own=at.domain, **form)
            await _look(at)
        case "check":
            await _look(at, asked=True)
        case "choose":
            await sender_domains.choose_sender(shop, fields.get("sender", ""), **form)
        case "ours":
            await sender_domains.choose_sender(shop, "", **form)
        case "remove":
            await sender_domains.remove_domain(shop, **form)
        case _:
            raise InvalidInput(reason=worded("this form is not known"))


async def _look(at: Looking, *, asked: bool = False) -> None:
    """Looks at the domain at once. If SES does not answer, or if it was looked at just before, what
    is due does it in a minute; whoever `asked` for it is told so."""
    if not await at.domains.own.may_check(at.me.shop):
        if asked:
            raise InvalidInput(
                reason=worded("it was checked a moment ago: try again in some seconds")
            )
        return
    try:
        await at.domains.own.check(at.me.shop)
    except Exception as error:
        log.warning("sender_domain_unknown", shop=at.me.shop, error=type(error).__name__)
        raise InvalidInput(
            reason=worded("nobody could be asked just now: we check again by ourselves")
        ) from error


SENDER_DOMAIN: Final = Section("sender-domain", _shown, _save)
