"""What SES's account may send, shared by all workers and fair among shops.

SES counts recipients: so many in a second, so many in 24 hours. The account's row has tokens that
come back at the account's rate, and each shop's row has its own, at half that rate: however many
mails one shop has, the other half is for the others. So is half of the day. What a shop sends to
customers from our own domain has a limit of its own, since mailbox providers judge all shops on it
as one sender. The last part of all this is kept for answers to what customers wrote.

A worker takes what one mail needs, in one write to each row, and takes nothing if the account or
the shop has it not. Two workers that take at once each get their own; one that crashes afterwards
has wasted it. SES itself stays the judge: what it refuses nevertheless is put off, and empties the
row, so that the others wait too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from cplus.aws import Aws, SendQuota
from cplus.clock import Clock
from cplus.consumers.sending.limits.days import Moment, moment, rolled, seconds_until, used, used_by
from cplus.mongo import Collection, Database, DuplicateKeyError, ReturnDocument

log = structlog.get_logger()

BUDGET: Final = "mail_budget"
"""The collection: `{_id: "account", tokens, at, quota, since, asked_at}` and `{_id: <shop>, tokens,
at, day, all_today, all_before, ours_today, ours_before}`."""

ACCOUNT: Final = "account"
FOR_ANSWERS: Final = 0.2
"""The part of the rate, and of each day, that only answers to customers may use."""
ONE_SHOP: Final = 0.5
"""The part of the account's rate, and of its day, that one shop may use."""
ALL, OURS = "all", "ours"
"""What is counted of a shop's day: everything, and what goes to customers from our domain."""
_REFRESH: Final = timedelta(seconds=60)  # after which the quota is asked for again
_DAILY_WAIT: Final = 900.0  # seconds until the day's quota is looked at again
_KEPT: Final = 24 * 3600  # seconds that a shop's row stays when it sends nothing

SHOP_DAY: Final = "ShopDay"
SHARED_DOMAIN: Final = "SharedDomain"
_CODES: Final = {ALL: SHOP_DAY, OURS: SHARED_DOMAIN}


@dataclass(frozen=True, slots=True)
class Wait:
    """There is nothing left for this mail now."""

    code: str
    seconds: float
    """Until it may be tried again."""
    limit: int = 0
    """How many recipients the shop may have in 24 hours, if that is what it waits for."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a mail takes."""

    recipients: int
    kept: float
    """The part that is not for it."""
    days: Mapping[str, float]
    """The counts that it adds to, each with the most that it may have."""
    counted: tuple[str, ...]
    """All that it adds to, with a limit or without."""


class Budget:
    """The rows, by the clock that is given. `shared` is how many recipients in 24 hours a shop may
    have from our own domain."""

    def __init__(self, database: Database, aws: Aws, clock: Clock, shared: int) -> None:
        self._rows: Collection = database[BUDGET]
        self._aws = aws
        self._clock = clock
        self.shared = shared

    async def take(
        self, shop: str, recipients: int, *, answers: bool, ours: bool = False
    ) -> Wait | None:
        """Takes what a mail to so many recipients needs; what to wait for, if it is not there.
        `answers`: it answers a customer's mail. `ours`: it goes to a customer from our domain."""
        row, kept = await self._account(), 0.0 if answers else FOR_ANSWERS
        days: dict[str, float] = {OURS: self.shared} if ours else {}
        counted = (ALL, OURS) if ours else (ALL,)
        if row.get("quota") is None:
            # Nobody was told yet, or could be: SES says itself what is too much.
            wanted = _Wanted(recipients, kept, days, counted)
            return await self._took(shop, wanted, None)
        quota, since = SendQuota(**row["quota"]), int(row.get("since", 0))
        if not quota.enabled:
            return Wait("SendingPaused", _DAILY_WAIT)
        if 0 <= quota.daily < quota.sent + since + recipients + kept * quota.daily:
            return Wait("DailyQuota", _DAILY_WAIT)
        if quota.daily >= 0:
            days[ALL] = quota.daily * ONE_SHOP
        # At least one mail fits, however small the rate is and however many get it.
        rate = max(quota.rate, 1.0)
        wanted = _Wanted(recipients, kept, days, counted)
        if (wait := await self._took(shop, wanted, rate * ONE_SHOP)) is not None:
            return wait
        account = _Wanted(recipients, kept, {}, ())
        if (wait := await self._took(ACCOUNT, account, rate)) is not None:
            await self.give_back(shop, recipients, ours=ours)
        return wait

    async def give_back(self, shop: str, recipients: int, *, ours: bool = False) -> None:
        """What the shop took for a mail that did not go."""
        more = {"$add": [{"$ifNull": ["$tokens", 0]}, recipients]}
        counts = {
            # A day may have begun in between, in which less was taken.
            f"{name}_today": {"$max": [0, {"$subtract": [f"${name}_today", recipients]}]}
            for name in ((ALL, OURS) if ours else (ALL,))
        }
        await self._rows.update_one({"_id": shop}, [{"$set": {"tokens": more, **counts}}])

    async def used(self, shop: str) -> int:
        """To how many customers the shop wrote from our domain in the last 24 hours."""
        row = await self._rows.find_one({"_id": shop}) or {}
        return round(used(row, OURS, moment(self._clock())))

    async def refused(self) -> None:
        """SES said that it is too much: nobody takes anything for a second."""
        rate = {"$multiply": [-1.0, {"$ifNull": ["$quota.rate", 1.0]}]}
        await self._rows.update_one(
            {"_id": ACCOUNT}, [{"$set": {"tokens": rate, "at": self._clock()}}]
        )

    async def _took(self, row: str, wanted: _Wanted, rate: float | None) -> Wait | None:
        """Takes what is wanted from a row that holds what comes back in a second, if there is a
        rate, and the counts of a day."""
        now = self._clock()
        at, most = moment(now), max(rate or 1.0, 1.0)
        # One token is enough, and a mail to many leaves the row in debt: over time the rate is
        # kept, and whoever sends to one at a time cannot hold it up for ever.
        needed = 1.0 + most * wanted.kept if row == ACCOUNT else 1.0
        milliseconds = {"$subtract": [now, {"$ifNull": ["$at", now]}]}
        back = {"$multiply": [{"$max": [0, {"$divide": [milliseconds, 1000]}]}, rate or 0.0]}
        filled = {"$min": [most, {"$add": [{"$ifNull": ["$tokens", most]}, back]}]}
        rooms = {name: _room(wanted, name) for name in wanted.days}
        fits = [{"$lte": [used_by(name, at), room]} for name, room in rooms.items()]
        if rate is not None:
            fits.append({"$gte": ["$filled", needed]})
        counts: dict[str, Any] = {}
        for name in wanted.counted:
            counts |= rolled(name, at)
        spent = 0 if rate is None else _more(0, wanted)
        more = {f"{name}_today": _more(f"${name}_today", wanted) for name in wanted.counted}
        day = {"day": {"$max": ["$day", at.day]}} if wanted.counted else {}
        pipeline: list[dict[str, Any]] = [
            {"$set": {"filled": filled, **counts}},
            {"$set": {"took": {"$and": fits}, "at": {"$max": ["$at", now]}, **day}},
            {
                "$set": {
                    "tokens": {"$subtract": ["$filled", spent]},
                    "since": {"$add": [{"$ifNull": ["$since", 0]}, spent]},
                    **more,
                }
            },
        ]
        found = await self._changed(row, pipeline)
        return None if found["took"] else _wait(found, row, rooms, wanted, at, needed, rate or 1.0)

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


def _more(count: Any, wanted: _Wanted) -> dict[str, Any]:
    """An expression: the count and what is wanted, if it was taken."""
    return {"$add": [count, {"$cond": ["$took", wanted.recipients, 0]}]}


def _room(wanted: _Wanted, name: str) -> float:
    """What a count of a day may have for the mail to fit: one to more than a whole day is for fits
    into a day in which nothing was sent."""
    most = wanted.days[name] * (1.0 - wanted.kept)
    return max(0.0, most - wanted.recipients)


def _wait(
    found: Mapping[str, Any],
    row: str,
    rooms: Mapping[str, float],
    wanted: _Wanted,
    at: Moment,
    needed: float,
    rate: float,
) -> Wait:
    """What a mail waits for that took nothing."""
    for name, room in rooms.items():
        seconds = seconds_until(found, name, at, room)
        if seconds > 0:
            return Wait(_CODES[name], max(1.0, seconds), int(wanted.days[name]))
    code = "AccountRate" if row == ACCOUNT else "ShopRate"
    return Wait(code, max(1.0, (needed - float(found["filled"])) / rate))


async def ensure_indexes(database: Database) -> None:
    """Makes the index by which rows of shops go that send nothing; the account's is made anew."""
    await database[BUDGET].create_index("at", expireAfterSeconds=_KEPT, name="expiry")
