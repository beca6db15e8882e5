"""What SES's account may send, shared by all workers and fair among shops.

SES counts recipients: so many in a second, so many in 24 hours. The account's row has tokens that
come back at the account's rate, and each shop's row has its own, at half that rate: however many
mails one shop has, the other half is for the others. The last part of both is kept for replies.

A worker takes what one mail needs, in one write to each row, and takes nothing if the account has
it not. Two workers that take at once each get their own; one that crashes afterwards has wasted it,
which comes back within a second. SES itself stays the judge: what it refuses nevertheless is put
off, and empties the row, so that the others wait too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from cplus.aws import Aws, SendQuota
from cplus.clock import Clock
from cplus.mongo import Collection, Database, DuplicateKeyError, ReturnDocument

log = structlog.get_logger()

BUDGET: Final = "mail_budget"
"""The collection: `{_id: "account", tokens, at, quota, since, asked_at}` and `{_id: <shop>, tokens,
at}`."""

ACCOUNT: Final = "account"
FOR_REPLIES: Final = 0.2
"""The part of the rate, and of the day, that only replies may use."""
ONE_SHOP: Final = 0.5
"""The part of the rate that one shop may use."""
_REFRESH: Final = timedelta(seconds=60)  # after which the quota is asked for again
_DAILY_WAIT: Final = 900.0  # seconds until the day's quota is looked at again
_KEPT: Final = 24 * 3600  # seconds that a shop's row stays when it sends nothing


@dataclass(frozen=True, slots=True)
class Wait:
    """There is nothing left for this mail now."""

    code: str
    seconds: float
    """Until it may be tried again."""


class Budget:
    """The account's rows, by the clock that is given."""

    def __init__(self, database: Database, aws: Aws, clock: Clock) -> None:
        self._rows: Collection = database[BUDGET]
        self._aws = aws
        self._clock = clock

    async def take(self, shop: str, recipients: int, *, reply: bool) -> Wait | None:
        """Takes what a mail to so many recipients needs; what to wait for, if it is not there."""
        row = await self._account()
        if row.get("quota") is None:
            return None  # nobody was told yet, or could be: SES says itself what is too much
        quota, since = SendQuota(**row["quota"]), int(row.get("since", 0))
        if not quota.enabled:
            return Wait("SendingPaused", _DAILY_WAIT)
        kept = 0.0 if reply else FOR_REPLIES
        if 0 <= quota.daily < quota.sent + since + recipients + kept * quota.daily:
            return Wait("DailyQuota", _DAILY_WAIT)
        # At least one mail fits, however small the rate is and however many get it.
        rate = max(quota.rate, 1.0)
        share = rate * ONE_SHOP
        if (wait := await self._took(shop, recipients, share, 0.0)) is not None:
            return Wait("ShopRate", wait)
        if (wait := await self._took(ACCOUNT, recipients, rate, kept)) is not None:
            await self._rows.update_one({"_id": shop}, {"$inc": {"tokens": recipients}})
            return Wait("AccountRate", wait)
        return None

    async def refused(self) -> None:
        """SES said that it is too much: nobody takes anything for a second."""
        rate = {"$multiply": [-1.0, {"$ifNull": ["$quota.rate", 1.0]}]}
        await self._rows.update_one(
            {"_id": ACCOUNT}, [{"$set": {"tokens": rate, "at": self._clock()}}]
        )

    async def _took(self, row: str, wanted: int, rate: float, kept: float) -> float | None:
        """Takes the tokens of a row that holds what comes back in a second; None if it did, else
        seconds until they may be there. A part of them is `kept`."""
        now, most = self._clock(), max(rate, 1.0)
        # One token is enough, and a mail to many leaves the row in debt: over time the rate is
        # kept, and whoever sends to one at a time cannot hold it up for ever.
        needed = 1.0 + most * kept
        milliseconds = {"$subtract": [now, {"$ifNull": ["$at", now]}]}
        back = {"$multiply": [{"$max": [0, {"$divide": [milliseconds, 1000]}]}, rate]}
        filled = {"$min": [most, {"$add": [{"$ifNull": ["$tokens", most]}, back]}]}
        enough = {"$gte": ["$filled", needed]}
        left = {"$cond": [enough, {"$subtract": ["$filled", wanted]}, "$filled"]}
        since = {"$add": [{"$ifNull": ["$since", 0]}, {"$cond": [enough, wanted, 0]}]}
        pipeline: list[dict[str, Any]] = [
            {"$set": {"filled": filled}},
            {"$set": {"tokens": left, "took": enough, "at": {"$max": ["$at", now]}}},
            {"$set": {"since": since}},
        ]
        found = await self._changed(row, pipeline)
        if found["took"]:
            return None
        return max(1.0, (needed - float(found["filled"])) / rate)

    async def _changed(self, row: str, pipeline: list[dict[str, Any]]) -> dict[str, Any]:
        for _ in range(3):
            try:
                found: dict[str, Any] = await self._rows.find_one_and_update(
                    {"_id": row}, pipeline, upsert=True, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:  # another worker made the row at the same moment
                continue
            return found
        raise TimeoutError("the row of the sending budget could not be written")

    async def _account(self) -> Mapping[str, Any]:
        """The account's row: its quota as last told (None if nobody could ever tell it), and how
        many recipients were taken since."""
        row: dict[str, Any] = await self._rows.find_one({"_id": ACCOUNT}) or {}
        asked: datetime | None = row.get("asked_at")
        now = self._clock()
        if not (asked is None or asked + _REFRESH <= now) or not await self._asks(asked, now):
            return row
        try:
            told: dict[str, Any] = {"quota": (await self._aws.send_quota())._asdict(), "since": 0}
        except Exception as error:  # noqa: BLE001  what was told last counts
            log.warning("send_quota_unknown", error=type(error).__name__)
            told = {"quota": row.get("quota")}
        await self._rows.update_one({"_id": ACCOUNT}, {"$set": told})
        return {**row, **told}

    async def _asks(self, asked: datetime | None, now: datetime) -> bool:
        """Whether this worker asks: one of all that find the quota old."""
        old = {"_id": ACCOUNT, "asked_at": asked}
        try:
            answer = await self._rows.update_one(
                old, {"$set": {"asked_at": now}}, upsert=asked is None
            )
        except DuplicateKeyError:
            return False
        return bool(answer.modified_count or answer.upserted_id)


async def ensure_indexes(database: Database) -> None:
    """Makes the index by which rows of shops go that send nothing; the account's is made anew."""
    await database[BUDGET].create_index("at", expireAfterSeconds=_KEPT, name="expiry")
