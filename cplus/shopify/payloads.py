"""What every payload of a webhook has: how it is read, and how it names its shop."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict


class Payload(BaseModel):
    """A payload or a part of one: unused fields are ignored, whatever they hold; the rest is
    checked."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class NamedShop(NamedTuple):
    """What a body says of whose it is: by host, or by id where it has no host."""

    host: str | None = None
    id: int | None = None
    may_be_unnamed: bool = False
    """Whether Shopify is asked about the shop before anything comes of it, so that the body need
    not name it."""


class Webhook(Payload):
    """The payload of a topic: it says how it names its shop, as only the body is signed."""

    @property
    @abstractmethod
    def shop(self) -> NamedShop | None:
        """None only if Shopify's bodies of this topic never name a shop."""


class NamesNoShop(Webhook):
    """The payload of a topic whose bodies name no shop by Shopify's own shape."""

    @property
    def shop(self) -> None:
        """Nothing in the body tells."""
        return
