"""SES's tenants: what each may use, whether it is paused, and its suppression list.

https://docs.aws.amazon.com/ses/latest/dg/tenants.html, and
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_PutTenantSuppressionAttributes.html.
Nothing is paused by itself here: the control route of the local SES pauses a tenant.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cplus.local.aws.email.refusals import MailRefused
from cplus.local.aws.endpoint import ACCOUNT, REGION

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_POLICY: Final = re.compile(rf"arn:aws:ses:{REGION}:aws:reputation-policy/(none|standard|strict)")
_STATES: Final = frozenset({"ENABLED", "REINSTATED", "DISABLED"})
_FIELDS: Final = frozenset({"ses", "own", "cause"})


@dataclass(slots=True)
class _Status:
    status: str = "ENABLED"
    cause: str = ""
    at: float = field(default_factory=time.time)

    def told(self) -> dict[str, Any]:
        return {"Status": self.status, "Cause": self.cause, "LastUpdatedTimestamp": self.at}


@dataclass(slots=True)
class _Tenant:
    name: str
    arn: str
    tags: Sequence[Mapping[str, str]]
    made: float
    resources: set[str] = field(default_factory=set)
    scope: str = "ACCOUNT"
    reasons: tuple[str, ...] = ()
    policy: str = ""
    own: _Status = field(default_factory=_Status)
    ses: _Status = field(default_factory=_Status)
    suppressed: set[str] = field(default_factory=set)

    @property
    def status(self) -> str:
        states = (self.own.status, self.ses.status)
        if "DISABLED" in states:
            return "DISABLED"
        return "REINSTATED" if "REINSTATED" in states else "ENABLED"

    def told(self) -> dict[str, Any]:
        return {
            "TenantName": self.name,
            "TenantId": self.arn.rpartition("/")[2],
            "TenantArn": self.arn,
            "CreatedTimestamp": self.made,
            "Tags": list(self.tags),
            "SendingStatus": self.status,
        }


class Tenants:
    """All tenants, and the calls of SES v2 that are about them."""

    def __init__(self) -> None:
        self._by_name: dict[str, _Tenant] = {}
        self._calls: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "/v2/email/tenants": self._create,
            "/v2/email/tenants/get": lambda asked: {"Tenant": self._found(asked).told()},
            "/v2/email/tenants/delete": self._delete,
            "/v2/email/tenants/resources": self._associate,
            "/v2/email/tenants/resources/delete": self._dissociate,
            "/v2/email/tenants/resources/list": self._resources,
            "/v2/email/tenant/suppression": self._suppression,
        }

    def answer(
        self, method: str, path: str, body: Mapping[str, Any], query: Mapping[str, str]
    ) -> dict[str, Any] | None:
        """Answers a call about tenants; None if it is about something else. Raises MailRefused."""
        if method == "POST" and path in self._calls:
            return self._calls[path](body)
        if found := re.fullmatch(r"/v2/email/reputation/entities/RESOURCE/(.+?)(/policy)?", path):
            return self._reputation(method, found[1], body)
        address = path.removeprefix("/v2/email/suppression/addresses/")
        if method == "DELETE" and address != path and "TenantName" in query:
            tenant = self._found(query)
            if address not in tenant.suppressed:  # letter for letter, as documented
                raise _unknown("Email address does not exist on your suppression list.")
            tenant.suppressed.discard(address)
            return {}
        return None

    def told(self, wanted: Mapping[str, Mapping[str, str]]) -> None:
        """Changes the states of tenants as the control route was told; raises ValueError for what
        it does not know."""
        for name, states in wanted.items():
            tenant = self._by_name.get(name)
            words = {states.get("ses", "ENABLED"), states.get("own", "ENABLED")}
            if tenant is None or states.keys() - _FIELDS or words - _STATES:
                raise ValueError(f"no tenant {name}, or none of {sorted(_STATES)} for ses or own")
            cause = states.get("cause", "")
            if "ses" in states:
                tenant.ses = _Status(states["ses"], cause)
            if "own" in states:
                tenant.own = _Status(states["own"], cause)

    def state(self) -> dict[str, Any]:
        """As the control route answers."""
        return {
            one.name: {
                "status": one.status,
                "policy": one.policy.rpartition("/")[2],
                "scope": one.scope,
                "resources": sorted(one.resources),
                "suppressed": sorted(one.suppressed),
            }
            for one in self._by_name.values()
        }

    def check(self, name: str, resources: Sequence[str]) -> None:
        """Raises MailRefused unless the tenant may send with these resources."""
        tenant = self._found({"TenantName": name})
        if lacking := sorted(set(resources) - tenant.resources):
            why = f"Resources are not associated with the tenant: {', '.join(lacking)}"
            raise MailRefused(why)
        if tenant.status == "DISABLED":
            raise MailRefused(
                "Sending is paused for the tenant.",
                code="SendingPausedException",
                old="AccountSendingPausedException",
            )

    def suppresses(self, name: str, recipient: str) -> bool:
        """Whether mail of the tenant does not go there. Sending looks at no case."""
        tenant = self._by_name.get(name)
        known = tenant.suppressed if tenant and tenant.scope == "TENANT" else set[str]()
        return recipient.lower() in {one.lower() for one in known}

    def suppress(self, name: str, recipients: Sequence[str], reason: str) -> None:
        """Notes that mail of the tenant bounced there or was called spam."""
        tenant = self._by_name.get(name)
        if tenant is not None and tenant.scope == "TENANT" and reason in tenant.reasons:
            tenant.suppressed.update(recipients)

    def _found(self, asked: Mapping[str, Any]) -> _Tenant:
        tenant = self._by_name.get(str(asked.get("TenantName", "")))
        if tenant is None:
            raise _unknown(f"Tenant <{asked.get('TenantName')}> does not exist.")
        return tenant

    def _create(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        name = str(asked.get("TenantName", ""))
        if not _NAME.fullmatch(name):
            raise MailRefused("A tenant's name has 1 to 64 of A-Z, a-z, 0-9, _ and -.")
        if name in self._by_name:
            raise MailRefused(f"Tenant <{name}> already exists.", code="AlreadyExistsException")
        arn = f"arn:aws:ses:{REGION}:{ACCOUNT}:tenant/{name}/tn-{secrets.token_hex(15)}"
        self._by_name[name] = _Tenant(name, arn, asked.get("Tags") or (), time.time())
        return self._by_name[name].told()

    def _delete(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        del self._by_name[self._found(asked).name]
        return {}

    def _associate(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        tenant, arn = self._found(asked), str(asked.get("ResourceArn", ""))
        if not arn.startswith(f"arn:aws:ses:{REGION}:{ACCOUNT}:"):
            raise MailRefused(f"Invalid ARN: {arn}")
        if arn in tenant.resources:
            raise MailRefused("It is associated already.", code="AlreadyExistsException")
        tenant.resources.add(arn)
        return {}

    def _dissociate(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        tenant, arn = self._found(asked), str(asked.get("ResourceArn", ""))
        if arn not in tenant.resources:
            raise _unknown("It is not associated with the tenant.")
        tenant.resources.discard(arn)
        return {}

    def _resources(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        kinds = {"identity": "EMAIL_IDENTITY", "configuration-set": "CONFIGURATION_SET"}
        listed = sorted(self._found(asked).resources)
        types = [kinds.get(arn.split(":")[5].partition("/")[0], "EMAIL_TEMPLATE") for arn in listed]
        told = zip(types, listed, strict=True)
        return {"TenantResources": [{"ResourceType": t, "ResourceArn": a} for t, a in told]}

    def _suppression(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        tenant = self._found(asked)
        scope, reasons = asked.get("SuppressionScope"), asked.get("SuppressedReasons")
        if scope not in ("TENANT", "ACCOUNT") or set(reasons or ()) - {"BOUNCE", "COMPLAINT"}:
            raise MailRefused("SuppressionScope or SuppressedReasons is not valid.")
        tenant.scope, tenant.reasons = scope, tuple(reasons or ())
        return {}

    def _reputation(self, method: str, arn: str, body: Mapping[str, Any]) -> dict[str, Any]:
        tenant = next((one for one in self._by_name.values() if one.arn == arn), None)
        if tenant is None:
            raise _unknown(f"No resource has the ARN {arn}.")
        if method == "PUT":
            policy = str(body.get("ReputationEntityPolicy", ""))
            if not _POLICY.fullmatch(policy):
                raise MailRefused(f"There is no policy {policy}.")
            tenant.policy = policy
            return {}
        return {
            "ReputationEntity": {
                "ReputationEntityReference": arn,
                "ReputationEntityType": "RESOURCE",
                "ReputationManagementPolicy": tenant.policy,
                "CustomerManagedStatus": tenant.own.told(),
                "AwsSesManagedStatus": tenant.ses.told(),
                "SendingStatusAggregate": tenant.status,
            }
        }


def _unknown(why: str) -> MailRefused:
    return MailRefused(why, code="NotFoundException", old="NotFound")
