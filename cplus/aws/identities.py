"""SES's identities: the domains of merchants, from which the mail of their shops leaves.

https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from cplus.aws.clients import Aws

_ZONE: Final = "dkim.amazonses.com"
"""Where the keys of a domain are, if SES names no zone."""

TAG: Final = "cplus-sender"
"""Marks the identities that we may change and delete: our own domain has no such tag."""


class IdentityState(NamedTuple):
    """What SES says of a domain now."""

    tokens: tuple[str, ...]
    zone: str
    dkim: str
    """The status of its keys."""
    mail_from: str
    """The status of its MAIL FROM."""
    verified: bool
    """Whether mail can leave from it."""


class Identities:
    """The domains at SES. Each call raises what SES raises; all are repeatable."""

    def __init__(self, aws: Aws, configuration_set: str) -> None:
        self._aws = aws
        self._set = configuration_set

    async def ensure(self, domain: str, mail_from: str) -> None:
        """Makes the identity, or completes it. As long as the MX of its MAIL FROM is not there,
        SES's own domain takes its place."""
        ses = await self._aws.client("sesv2")
        try:
            await ses.create_email_identity(
                EmailIdentity=domain,
                ConfigurationSetName=self._set,
                Tags=[{"Key": TAG, "Value": self._set}],
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "AlreadyExistsException":
                raise
        await ses.put_email_identity_mail_from_attributes(
            EmailIdentity=domain, MailFromDomain=mail_from, BehaviorOnMxFailure="USE_DEFAULT_VALUE"
        )

    async def state(self, domain: str) -> IdentityState | None:
        """What SES says of it; None if it has no such identity, or one that is not complete."""
        ses = await self._aws.client("sesv2")
        try:
            told: dict[str, Any] = await ses.get_email_identity(EmailIdentity=domain)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise
            return None
        dkim, back = told.get("DkimAttributes", {}), told.get("MailFromAttributes", {})
        if not back.get("MailFromDomain"):
            return None
        return IdentityState(
            tuple(dkim.get("Tokens", ())),
            dkim.get("SigningHostedZone") or _ZONE,
            dkim.get("Status", "NOT_STARTED"),
            back.get("MailFromDomainStatus", "PENDING"),
            bool(told.get("VerifiedForSendingStatus")),
        )

    async def delete(self, domain: str) -> None:
        """Deletes the identity."""
        ses = await self._aws.client("sesv2")
        try:
            await ses.delete_email_identity(EmailIdentity=domain)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise
