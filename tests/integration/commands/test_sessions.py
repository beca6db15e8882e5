"""Sign-in links are used once; sessions end for whoever has their cookie."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from cplus.actors import LOCAL, MERCHANT, Actor
from cplus.clock import utc_now
from cplus.commands.sessions import (
    LINK_SECONDS,
    SignedIn,
    link_shop,
    sign_in_link,
    sign_out,
    use_link,
)
from cplus.errors import InvalidSignature
from cplus.mongo import Mongo, connect
from cplus.privacy.sessions import EndedSessions, UsedLinks, ensure_indexes
from cplus.settings import Settings
from cplus.signing import Signer

SHOP = "acorn.myshopify.com"
SECRET = "an application secret of this test"
LINKS = Settings(application_secret=SecretStr(SECRET), app_url="http://app.test")


@pytest.fixture
async def mongo(mongo_uri: str, database_name: str) -> AsyncIterator[Mongo]:
    made = connect(Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name))
    await ensure_indexes(made.database)
    yield made
    await made.close()


@pytest.fixture
def used(mongo: Mongo) -> UsedLinks:
    return UsedLinks(mongo.database)


def token_of(link: str) -> str:
    [token] = parse_qs(urlsplit(link).query)["token"]
    return token


@pytest.mark.parametrize(
    ("user", "called", "actor"),
    [
        ("", "", LOCAL),
        ("ada", "", Actor("merchant", "ada")),
        ("ada", "Ada Brandt", Actor("merchant", "ada", "Ada Brandt")),
    ],
)
async def test_a_link_signs_its_user_in_once(
    used: UsedLinks, user: str, called: str, actor: Actor
) -> None:
    token, signer = token_of(sign_in_link(LINKS, SHOP, user=user, called=called)), Signer(SECRET)
    answers = await asyncio.gather(
        *(use_link(token, signer=signer, used=used) for _ in range(4)), return_exceptions=True
    )
    assert answers.count(SignedIn(SHOP, actor)) == 1
    assert sum(isinstance(one, InvalidSignature) for one in answers) == 3
    assert link_shop(token, signer=signer) == SHOP


async def test_a_used_link_is_not_taken_again_in_another_spelling(used: UsedLinks) -> None:
    token, signer = token_of(sign_in_link(LINKS, SHOP)), Signer(SECRET)
    await use_link(token, signer=signer, used=used)
    follower = chr(ord(token[-1]) + 1)
    for spelled in (f"{token}=", f"{token}==", f"{token} ", f"{token}~", token[:-1] + follower):
        with pytest.raises(InvalidSignature):
            await use_link(spelled, signer=signer, used=used)


@pytest.mark.parametrize("release", ["before", "this"])
async def test_a_link_that_either_release_used_is_used_in_both(
    used: UsedLinks, release: str
) -> None:
    token, signer = token_of(sign_in_link(LINKS, SHOP)), Signer(SECRET)
    by_digest, until = hashlib.sha256(token.encode()).hexdigest(), utc_now() + timedelta(hours=1)
    if release == "before":
        assert await used.use(by_digest, until)
        with pytest.raises(InvalidSignature):
            await use_link(token, signer=signer, used=used)
    else:
        await use_link(token, signer=signer, used=used)
        assert not await used.use(by_digest, until)


async def test_a_link_whose_id_was_used_is_used_whatever_its_text(
    used: UsedLinks, mongo: Mongo
) -> None:
    token, signer = token_of(sign_in_link(LINKS, SHOP)), Signer(SECRET)
    await use_link(token, signer=signer, used=used)
    by_digest = hashlib.sha256(token.encode()).hexdigest()
    await mongo.database["used_links"].delete_one({"_id": by_digest})
    with pytest.raises(InvalidSignature):
        await use_link(token, signer=signer, used=used)


async def test_a_link_from_before_users_were_known_signs_the_merchant_in(used: UsedLinks) -> None:
    signer = Signer(SECRET)
    token = signer.sign("link", LINK_SECONDS, shop=SHOP)
    assert await use_link(token, signer=signer, used=used) == SignedIn(SHOP, MERCHANT)


async def test_a_link_that_is_old_forged_or_of_another_kind_signs_nobody_in(
    used: UsedLinks, mongo: Mongo
) -> None:
    now = datetime(2026, 11, 1, 12, tzinfo=UTC)
    token = token_of(sign_in_link(LINKS, SHOP, lambda: now))
    later = Signer(SECRET, lambda: now + timedelta(seconds=LINK_SECONDS))
    cookie = Signer(SECRET).sign("session", 60, shop=SHOP)
    for wrong, signer in ((token, later), (f"{token[:-1]}~", Signer(SECRET)), (cookie, later)):
        with pytest.raises(InvalidSignature):
            await use_link(wrong, signer=signer, used=used)
    assert link_shop(token, signer=later) == SHOP
    assert link_shop(cookie, signer=later) is None
    assert await mongo.database["used_links"].count_documents({}) == 0


async def test_signing_out_ends_one_session_and_again_changes_nothing(mongo: Mongo) -> None:
    ended, since = EndedSessions(mongo.database), datetime(2026, 11, 1, tzinfo=UTC)
    for _ in range(2):
        await sign_out("one", ended=ended)
    assert await ended.holds(SHOP, "one", since)
    assert not await ended.holds(SHOP, "two", since)
