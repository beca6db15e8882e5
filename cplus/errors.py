"""Our errors. An exception's docstring is its message: what is wrong and what to do."""

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
        # By default it would be rebuilt from its text, and could not be sent to another process.
        return _made, (type(self), self.values)


def _made(kind: type[CplusError], values: dict[str, Any]) -> CplusError:
    return kind(**values)


class InvalidInput(CplusError):
    """The input cannot be used: {reason}."""


class FormOfAnother(InvalidInput):
    """This form belongs to another {what}: its key was used there. Nothing was recorded."""


class NotPublic(CplusError):
    """The name of the push service leads to an address that is not one of the internet."""


class AddressChanged(CplusError):
    """Replies to this conversation go to another address by now. Nothing was recorded."""


class OthersWrote(CplusError):
    """Others wrote in this conversation since it was looked at. Nothing was recorded."""


class InvalidShop(InvalidInput):
    """The shop host {shop!r} is not of the form NAME.myshopify.com."""


class InvalidActor(InvalidInput):
    """The id of somebody who acts has 1 to 64 of the characters A-Z, a-z, 0-9, ".", "_" and "-";
    what they are called has at most 100, in one line. No operator is "merchant", "." or ".."."""


class InvalidSignature(InvalidInput):
    """The signature does not match; check the app's client secret."""


class SignedForAnotherUse(InvalidSignature):
    """The body is {what}: it was signed for another use and is not a webhook."""


class TooManyTries(CplusError):
    """There were {tries} wrong tries within {minutes} minutes; try again later."""


class NotFound(CplusError):
    """This shop has no such {what}."""


class TooLarge(InvalidInput):
    """{what} is {size} bytes; the limit is {limit}."""


class SettingMissing(CplusError):
    """The setting {name} has no value; set the environment variable {variable}."""


class EventTypeTaken(CplusError):
    """The event classes {first} and {second} both have the TYPE {type!r}; give each its own."""


class UnknownEvent(CplusError):
    """The event type {type!r} in schema version {schema} is not in the catalogue of this code."""


class FieldNotOpened(CplusError):
    """The personal field {field!r} of {type!r} was not opened: whoever reads it must name the event
    in its `opens`."""


class SealBroken(CplusError):
    """What is sealed in the commit {commit} does not open with its key: it was altered or moved."""


class RowBroken(CplusError):
    """The field {field} of a row in {collection} does not open with its key: it was altered or
    moved."""


class ObjectBroken(CplusError):
    """The object {id} does not open with its key: it was altered, moved or overwritten."""


class KeyMissing(CplusError):
    """The keyring has no key {key!r}, and no trace of one that was destroyed: is it older than the
    log, or another database's? See CPLUS_MONGO_KEYRING_DATABASE."""


class KeysUnavailable(CplusError):
    """The keys of sealed fields are not available: {reason}."""


class CommitTooLarge(CplusError):
    """The commit with the claim {claim!r} is {size} bytes; the limit is {limit}."""


class InvalidDraft(CplusError):
    """The commit with the claim {claim!r} cannot be appended: {reason}."""


class StreamConflict(CplusError):
    """The stream {stream!r} was expected at version {expected} but is at {actual}."""


class DecisionOvertaken(StreamConflict):
    """The decision {claim!r} was not recorded: other writers were faster on the stream {stream!r},
    now at version {actual}, {tries} times in a row; try again."""


class OutcomeUnknown(CplusError):
    """It is unknown whether the commit with the claim {claim!r} was recorded; try again with the
    same claim."""


class ContentionTooHigh(CplusError):
    """Other writers were faster on the shop {shop!r} {tries} times in a row; try again."""


class ShopifyError(CplusError):
    """Something between this app and Shopify went wrong."""


class AuthFailed(ShopifyError):
    """Shopify refuses access to {shop} ({reason}); the shop must install the app again."""


class AccessDenied(AuthFailed):
    """Shopify denies the request for {shop} ({reason}); the shop must grant the scopes."""


class ShopifyUnavailable(ShopifyError):
    """Shopify gave no usable answer for {shop} ({reason}); try again later."""


class UnreadableAnswer(ShopifyUnavailable):
    """Shopify gave an answer for {shop} that cannot be read ({reason}); try again later."""


class AddressRefused(ShopifyUnavailable):
    """Shopify refuses calls for {shop} from this address ({reason}), whatever the token; check the
    IP allowlist of the app."""


class ShopifyRefused(ShopifyError):
    """Shopify refused the request for {shop}: {code}."""


class Throttled(ShopifyError):
    """The query budget of {shop} is used up; try again in {retry_after:.1f} seconds."""

    @property
    def retry_after(self) -> float:
        """Seconds until the same query fits the budget."""
        return float(self.values["retry_after"])


class NotInstalled(ShopifyError):
    """There are no credentials for {shop}: the app is not installed there."""


class CredentialsUnreadable(ShopifyError):
    """The credentials of {shop} can't be opened with this secret; install the app again."""


class NotUnderstood(CplusError):
    """{place}: the local stack does not support {what} here; write it another way, or add
    support for it to cplus/local."""


class FunctionError(CplusError):
    """The function {function} failed with {error_type}: {message}."""


class FunctionTimedOut(FunctionError):
    """The function {function} was stopped at its time limit. {error_type}: {message}."""


class FunctionDied(FunctionError):
    """The process of {function} ended while it was working. {error_type}: {message}."""


class FunctionBroken(FunctionError):
    """The function {function} could not be started. {error_type}: {message}."""


class FunctionBusy(FunctionError):
    """No process of the function {function} became free in time. {error_type}: {message}."""


class StillBusy(CplusError, TimeoutError):
    """After {seconds} seconds there is still work: {work}."""


class LogTooShort(CplusError):
    """The log of {shop!r} should reach position {position} but ends at {head}; try again."""


class CheckpointContended(CplusError):
    """Other processes moved the checkpoint of {projection} for {shop!r} each time; try again."""
