"""Finds the keys with which drafts are sealed."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cplus.clock import Clock
from cplus.events.log.commit import Draft, Sealing
from cplus.events.log.sealing import KEY_BYTES, Key, SealingKeys, unnamed

_ID = 100  # letters of a person's id at most
_TRIAL = "x" * 20  # as long as the id of a key


class DraftSealing:
    """Finds the keys with which drafts are sealed."""

    def __init__(self, keys: SealingKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def needed(self, drafts: Sequence[Draft]) -> bool:
        """Whether anything in the drafts is sealed."""
        return any(draft.owners(_TRIAL) for draft in drafts)

    def is_doubtful(self, draft: Draft) -> bool:
        """Whether the draft names somebody by what is no id of ours, as after a fault."""
        return any(len(one) > _ID or not one.isascii() for one in draft.owners(_TRIAL))

    async def of(self, shop: str, drafts: Sequence[Draft], erasures: int) -> Sealing:
        """What seals drafts of the shop, whose log has seen so many erasures; new keys are made.
        Raises as `SealingKeys` does."""
        day = unnamed(self._clock())
        owners = {owner for draft in drafts for owner in draft.owners(day)}
        return Sealing(erasures, await self._keys.to_seal(shop, sorted(owners), erasures), day)

    def trial(self, draft: Draft) -> Sealing:
        """What seals a draft that nobody will ever open, to see how large it is."""
        keys = {owner: Key(_TRIAL, os.urandom(KEY_BYTES)) for owner in draft.owners(_TRIAL)}
        return Sealing(0, keys, _TRIAL)
