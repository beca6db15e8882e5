"""Every error of ours. An exception's docstring is its message: what is wrong and what to do."""

from __future__ import annotations

import inspect
from typing import Any


class CplusError(Exception):
    """Something in Conversations Plus went wrong."""

    def __init__(self, **values: Any) -> None:
        self.values = values
        text = inspect.cleandoc(type(self).__doc__ or "").replace("\n", " ")
        super().__init__(text.format(**values))

    def __reduce__(self) -> tuple[Any, ...]:
        # Otherwise it is made anew from its text, and cannot come from one process to another.
        return _made, (type(self), self.values)


def _made(kind: type[CplusError], values: dict[str, Any]) -> CplusError:
    return kind(**values)


class InvalidInput(CplusError):
    """What came in cannot be used: {reason}."""


class InvalidShop(InvalidInput):
    """The shop host {shop!r} is not of the form NAME.myshopify.com."""


class InvalidActor(InvalidInput):
    """The id of somebody who acts has 1 to 64 of the characters A-Z, a-z, 0-9, ".", "_" and "-";
    what they are called has at most 100, in one line."""


class InvalidSignature(InvalidInput):
    """The signature does not fit what was signed; check the app's client secret."""


class SignedForAnotherUse(InvalidSignature):
    """The body is {what}: it was signed for another use, and is no webhook."""


class NotFound(CplusError):
    """This shop has no such {what}."""


class TooLarge(InvalidInput):
    """{what} is {size} bytes; at most {limit} are allowed."""


class SettingMissing(CplusError):
    """The setting {name} has no value; set the environment variable {variable}."""


class UnknownEvent(CplusError):
    """The event type {type!r} in schema version {schema} is not in this code's catalogue."""


class CommitTooLarge(CplusError):
    """The commit with the claim {claim!r} is {size} bytes; MongoDB takes {limit} at most."""


class InvalidDraft(CplusError):
    """The commit with the claim {claim!r} cannot be appended: {reason}."""


class StreamConflict(CplusError):
    """The stream {stream!r} was expected at version {expected} and stands at {actual}."""


class DecisionOvertaken(StreamConflict):
    """The decision {claim!r} was not recorded: others were quicker on the stream {stream!r}, now
    at version {actual}, {tries} times in a row; ask again."""


class OutcomeUnknown(CplusError):
    """Whether the commit with the claim {claim!r} was recorded is unknown; ask again with the
    same claim."""


class ContentionTooHigh(CplusError):
    """The shop {shop!r} was written by others {tries} times in a row; try again."""


class ShopifyError(CplusError):
    """Something between this app and Shopify went wrong."""


class AuthFailed(ShopifyError):
    """Shopify refuses us access to {shop} ({reason}); the shop has to install the app again."""


class AccessDenied(AuthFailed):
    """Shopify denies us what we ask of {shop} ({reason}); the shop has to grant the scopes."""


class ShopifyUnavailable(ShopifyError):
    """Shopify gives no usable answer for {shop} now ({reason}); try again later."""


class ShopifyRefused(ShopifyError):
    """Shopify refuses what was asked of it for {shop}: {code}."""


class Throttled(ShopifyError):
    """The query budget of {shop} is spent; ask again in {retry_after:.1f} seconds."""

    @property
    def retry_after(self) -> float:
        """Seconds until the same query fits the budget."""
        return float(self.values["retry_after"])


class NotInstalled(ShopifyError):
    """There are no credentials for {shop}: the app is not installed there."""


class CredentialsUnreadable(ShopifyError):
    """The credentials of {shop} can't be opened with this secret; install the app again."""


class NotUnderstood(CplusError):
    """{place}: the local stack does not understand {what} here; write it another way, or teach
    cplus/local to read it."""


class FunctionError(CplusError):
    """The function {function} failed with {error_type}: {message}."""


class FunctionTimedOut(FunctionError):
    """The function {function} was ended at its time limit. {error_type}: {message}."""


class FunctionDied(FunctionError):
    """The process of {function} ended while it held work. {error_type}: {message}."""


class FunctionBroken(FunctionError):
    """The function {function} could not be started. {error_type}: {message}."""


class FunctionBusy(FunctionError):
    """No process of the function {function} came free in time. {error_type}: {message}."""


class StillBusy(CplusError, TimeoutError):
    """After {seconds} seconds there is still work: {work}."""


class LogTooShort(CplusError):
    """The log of {shop!r} was said to reach position {position} and ends at {head}; try again."""


class CheckpointContended(CplusError):
    """Others moved the checkpoint of {projection} for {shop!r} in every try; try again."""
