"""How the local SES refuses: the errors of SendEmail.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

from __future__ import annotations

from typing import Final

_STATUS: Final = {
    "NotFoundException": 404,
    "TooManyRequestsException": 429,
    "InternalServiceError": 500,
}


class MailRefused(Exception):
    """SES refuses the mail: HTTP status, code of API v2, code of API v1, and reason."""

    def __init__(
        self, reason: str, *, code: str = "BadRequestException", old: str = "InvalidParameterValue"
    ) -> None:
        super().__init__(reason)
        self.status = _STATUS.get(code, 400)
        self.code = code
        self.old_code = old


REFUSALS: Final = {
    "throttle": ("Maximum sending rate exceeded.", "TooManyRequestsException", "Throttling"),
    "limit": ("A limit of the account is reached.", "LimitExceededException", "Throttling"),
    "reject": ("The mail was rejected.", "MessageRejected", "MessageRejected"),
    "paused": (
        "Sending is paused for the account.",
        "SendingPausedException",
        "AccountSendingPausedException",
    ),
    "error": ("The server failed.", "InternalServiceError", "InternalFailure"),
}
"""Failures on demand that are refusals: reason, code of API v2, code of API v1."""
