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


class InvalidInput(CplusError):
    """What came in cannot be used: {reason}."""


class InvalidShop(InvalidInput):
    """The shop host {shop!r} is not of the form NAME.myshopify.com."""


class InvalidSignature(InvalidInput):
    """The signature does not fit what was signed; check the app's client secret."""


class TooLarge(InvalidInput):
    """{what} is {size} bytes; at most {limit} are allowed."""


class SettingMissing(CplusError):
    """The setting {name} has no value; set the environment variable {variable}."""
