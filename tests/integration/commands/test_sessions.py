"""Sign-in links are used once; sessions end for whoever has their cookie; wrong operator tokens are
limited."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog
from pydantic import SecretStr

from cplus.actors import LOCAL, MERCHANT, Actor
from cplus.clock import utc_now
from cplus.commands.sessions import (
    LINK_SECONDS,
    SignedIn,
    link_shop,
    open_console,
    sign_in_link,
    sign_out,
    use_link,
)
from cplus.errors import InvalidActor, InvalidSignature, TooManyTries
from cplus.mongo import Mongo
from cplus.privacy.sessions import EndedSessions, UsedLinks, ensure_indexes
from cplus.privacy.token_tries import MOST, TRIES, WINDOW, TokenTries, place_of
from cplus.settings import Settings
from cplus.signing import Signer
from tests.databases import connected

SHOP = "acorn.myshopify.com"
SECRET = "an application secret of this test"
LINKS = Settings(application_secret=SecretStr(SECRET), app_url="http://app.test")


@pytest.fixture
async def mongo(mongo_uri: str, database_name: str) -> Mongo:
    made = connected(Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name))
    await ensure_indexes(made.database)
    return made


@pytest.fixture
def used(mongo: Mongo) -> UsedLinks:
    return UsedLinks(mongo.database)


class TurnedClock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


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
    [found] = [one for one in answers if isinstance(one, SignedIn)]
    assert (found.shop, found.actor) == (SHOP, actor)
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
    found = await use_link(token, signer=signer, used=used)
    assert found == SignedIn(SHOP, MERCHANT, found.since)


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


# The operator's token


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def tries(mongo: Mongo, clock: TurnedClock) -> TokenTries:
    return TokenTries(mongo.database, clock)


async def opened(tries: TokenTries, token: str = "token", name: str = "jo") -> str:
    return str(await open_console(token, name, expected="token", tries=tries))


async def test_the_console_opens_for_the_token_and_a_name(tries: TokenTries) -> None:
    assert await opened(tries) == "operator/jo"
    with pytest.raises(InvalidSignature):
        await opened(tries, "another")
    for name in ("", "Jo Doe", "x" * 65, ".", "..", "merchant", "Merchant"):
        with pytest.raises(InvalidActor):
            await opened(tries, name=name)


async def test_whoever_tries_wrong_tokens_locks_out_nobody_elsewhere(mongo: Mongo) -> None:
    def tries_from(address: str | None) -> TokenTries:
        return TokenTries(mongo.database, place=place_of(address, "secret"))

    for _ in range(MOST):
        with pytest.raises(InvalidSignature):
            await opened(tries_from("2001:db8::7"), "another")
    for near in ("2001:db8::7", "2001:db8:0:0:ffff::1"):
        with pytest.raises(TooManyTries):
            await opened(tries_from(near))
    for other in ("2001:db8:0:1::7", "192.0.2.1", None):
        assert await opened(tries_from(other)) == "operator/jo"
    assert "2001" not in str(await mongo.database[TRIES].find().to_list(None))


async def test_after_ten_wrong_tokens_no_token_is_looked_at_for_fifteen_minutes(
    tries: TokenTries, clock: TurnedClock, mongo: Mongo
) -> None:
    for _ in range(MOST):
        with pytest.raises(InvalidSignature):
            await opened(tries, "another")
        clock.forward(60)
    with structlog.testing.capture_logs() as lines:
        for process in (tries, TokenTries(mongo.database, clock)):
            with pytest.raises(TooManyTries):
                await opened(process)
    assert lines == 2 * [
        {
            "event": "console_sign_in_refused",
            "reason": "too_many_tries",
            "log_level": "warning",
        }
    ]
    clock.forward(WINDOW.total_seconds() - 60 * MOST - 1)
    with pytest.raises(TooManyTries):
        await opened(tries)
    # The first try is over, the others still count; a refused one was not counted.
    clock.forward(1)
    with pytest.raises(InvalidSignature):
        await opened(tries, "another")
    with pytest.raises(TooManyTries):
        await opened(tries)
    clock.forward(60)
    assert await opened(tries) == "operator/jo"


async def test_wrong_tokens_that_come_at_once_are_limited_too(tries: TokenTries) -> None:
    asked = [opened(tries, f"another {number}") for number in range(3 * MOST)]
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, InvalidSignature) for one in told) == MOST
    assert sum(isinstance(one, TooManyTries) for one in told) == 2 * MOST


async def test_the_right_token_does_not_count_and_a_wrong_one_is_never_logged(
    tries: TokenTries,
) -> None:
    for _ in range(MOST + 1):
        await opened(tries)
    with structlog.testing.capture_logs() as lines, pytest.raises(InvalidSignature):
        await opened(tries, "another", name="jo")
    assert lines == [
        {"event": "console_sign_in_refused", "reason": "wrong_token", "log_level": "warning"}
    ]


async def test_signing_out_ends_one_session_and_again_changes_nothing(mongo: Mongo) -> None:
    ended, since = EndedSessions(mongo.database), datetime(2026, 11, 1, tzinfo=UTC)
    for _ in range(2):
        await sign_out("one", ended=ended)
    assert await ended.holds(SHOP, "one", since)
    assert not await ended.holds(SHOP, "two", since)
