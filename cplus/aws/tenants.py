"""SES's tenants: one for each shop, with a reputation and a suppression list of its own.

So what bounces for one shop is not suppressed for another, and SES pauses the shop whose mail is
complained of, not the account. https://docs.aws.amazon.com/ses/latest/dg/tenants.html
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from cplus.aws.clients import Aws

POLICY: Final = "standard"
"""Which of SES's policies pauses a tenant: not at a first finding, but at a serious one."""
_REASONS: Final = ("BOUNCE", "COMPLAINT")
_DISABLED: Final = "DISABLED"
_KIND: Final = "RESOURCE"  # the one type of what has a reputation


class TenantState(NamedTuple):
    """What SES says of a tenant now."""

    paused: bool
    by_us: bool = False
    """Whether the operator paused it, and not SES."""
    cause: str = ""
    """Why SES paused it, in its words."""
    since: datetime | None = None


class Tenants:
    """The tenants of one stage. Each call raises what SES raises; all are repeatable."""

    def __init__(self, aws: Aws, identity: str, configuration_set: str) -> None:
        self._aws = aws
        self._identity = identity
        self._set = configuration_set

    async def ensure(self, name: str, shop: str) -> None:
        """Makes the tenant, as it has to be, or completes it."""
        ses = await self._aws.client("sesv2")
        tags = [{"Key": "shop", "Value": shop}]
        await _unless(ses.create_tenant(TenantName=name, Tags=tags), "AlreadyExistsException")
        arn = await self._arn(name)
        # The list before anything can be sent: mail of a tenant without one fills the account's.
        await ses.put_tenant_suppression_attributes(
            TenantName=name, SuppressionScope="TENANT", SuppressedReasons=list(_REASONS)
        )
        await ses.update_reputation_entity_policy(
            ReputationEntityType=_KIND,
            ReputationEntityReference=arn,
            ReputationEntityPolicy=_policy(arn),
        )
        for resource in (f"identity/{self._identity}", f"configuration-set/{self._set}"):
            call = ses.create_tenant_resource_association(
                TenantName=name, ResourceArn=_resource(arn, resource)
            )
            await _unless(call, "AlreadyExistsException")

    async def state(self, name: str) -> TenantState | None:
        """What SES says of the tenant; None if there is none."""
        ses = await self._aws.client("sesv2")
        answer = await _unless(ses.get_tenant(TenantName=name), "NotFoundException")
        if answer is None:
            return None
        if answer["Tenant"].get("SendingStatus") != _DISABLED:
            return TenantState(paused=False)
        told = await ses.get_reputation_entity(
            ReputationEntityType=_KIND, ReputationEntityReference=answer["Tenant"]["TenantArn"]
        )
        entity = told["ReputationEntity"]
        own, by_ses = entity.get("CustomerManagedStatus", {}), entity.get("AwsSesManagedStatus", {})
        by_us = by_ses.get("Status") != _DISABLED
        told_by = own if by_us else by_ses
        since = told_by.get("LastUpdatedTimestamp")
        return TenantState(True, by_us, str(told_by.get("Cause", "")), since)

    async def delete(self, name: str) -> None:
        """Deletes the tenant with its suppression list."""
        ses = await self._aws.client("sesv2")
        await _unless(ses.delete_tenant(TenantName=name), "NotFoundException")

    async def allow(self, name: str, address: str) -> None:
        """Takes an address off the tenant's suppression list, if it is there."""
        ses = await self._aws.client("sesv2")
        # The list keeps an address as it was written, and finds it in no other way.
        for written in dict.fromkeys((address, address.lower())):
            call = ses.delete_suppressed_destination(EmailAddress=written, TenantName=name)
            await _unless(call, "NotFoundException")

    async def use(self, name: str, domain: str) -> None:
        """Lets the tenant send from a domain."""
        ses = await self._aws.client("sesv2")
        resource = _resource(await self._arn(name), f"identity/{domain}")
        call = ses.create_tenant_resource_association(TenantName=name, ResourceArn=resource)
        await _unless(call, "AlreadyExistsException")

    async def leave(self, name: str, domain: str) -> None:
        """Lets the tenant send from a domain no more."""
        ses = await self._aws.client("sesv2")
        if await self.state(name) is None:
            return
        resource = _resource(await self._arn(name), f"identity/{domain}")
        call = ses.delete_tenant_resource_association(TenantName=name, ResourceArn=resource)
        await _unless(call, "NotFoundException")

    async def _arn(self, name: str) -> str:
        ses = await self._aws.client("sesv2")
        return str((await ses.get_tenant(TenantName=name))["Tenant"]["TenantArn"])


def _resource(arn: str, name: str) -> str:
    """The ARN of a resource in the account and region of the tenant."""
    return ":".join([*arn.split(":")[:5], name])


def _policy(arn: str) -> str:
    """The ARN of the policy in the partition and region of the tenant."""
    _, partition, _, region, _ = arn.split(":")[:5]
    return f"arn:{partition}:ses:{region}:aws:reputation-policy/{POLICY}"


async def _unless(call: Any, code: str) -> Any:
    """The answer of the call; None if SES refuses it with this code."""
    try:
        return await call
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
        return None
