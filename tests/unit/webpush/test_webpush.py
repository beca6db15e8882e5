"""What a push looks like, whom it is encrypted for, and where it may go."""

from __future__ import annotations

from datetime import UTC, datetime

import httpcore
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cplus.errors import InvalidInput, NotPublic
from cplus.webpush import PushClient, Refused, TryLater, Vapid, checked
from cplus.webpush.base64url import decoded, encoded
from cplus.webpush.client import answer_of
from cplus.webpush.connecting import PublicOnly, is_public
from cplus.webpush.encryption import CURVE, MOST, RECORD, encrypt
from cplus.webpush.subscription import Subscription

NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)
KEY = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SECRET = "an application secret of this test"


def _bytes(text: str) -> bytes:
    found = decoded(text)
    assert found is not None
    return found


def test_a_push_is_encrypted_as_the_standard_does_it() -> None:
    # RFC 8291, section 5 and appendix A.
    number = int.from_bytes(_bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        Subscription("https://push.example.net/x", _bytes(KEY), _bytes(AUTH)),
        salt=_bytes("DGv6ra1nlYgDCS1FRnbzlw"),
        own=ec.derive_private_key(number, CURVE),
    )
    assert encoded(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmY"
        "WAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexS"
        "gSxsj_Qulcy4a-fN"
    )


def test_a_push_is_never_larger_than_a_push_service_takes() -> None:
    to = Subscription("https://push.example.net/x", _bytes(KEY), _bytes(AUTH))
    assert len(encrypt(b"x" * MOST, to)) == RECORD
    with pytest.raises(ValueError, match="too long"):
        encrypt(b"x" * (MOST + 1), to)


def test_the_app_signs_for_the_push_service_alone_and_for_half_a_day() -> None:
    vapid = Vapid(SECRET, "https://app.example.com")
    assert vapid.public == Vapid(SECRET, "").public != Vapid("another", "").public
    told = vapid.authorization("https://push.example.net/send/abc", NOW)
    token = told.removeprefix("vapid t=").partition(",")[0]
    key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, _bytes(told.rpartition("k=")[2]))
    held = jwt.decode(token, key, ["ES256"], options={"verify_aud": False, "verify_exp": False})
    assert held == {
        "aud": "https://push.example.net",
        "exp": int(NOW.timestamp()) + 12 * 3600,
        "sub": "https://app.example.com",
    }


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.net/x",
        "https://push.example.net:8443/x",
        "https://user@push.example.net/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://0x7f000001/x",
        "https://127.1/x",
        "https://10.0x1/x",
        "https://localhost/x",
        "https://printer/x",
        "https://app.localhost/x",
        "https://push.example.net\\@169.254.169.254/x",
        "https://push.example.net /x",
        "https://push.example.net/\n",
        "https://[bad/x",
        "https://push.example.net:99999/x",
        f"https://push.example.net/{'x' * 1000}",
        f"https://{'a' * 64}.example.net/x",
        f"https://{'a.' * 130}net/x",
        "https://push..example.net/x",
        "http://127.0.0.1:40000/_push/x",
        "",
    ],
)
def test_a_push_service_has_a_public_name_and_https(endpoint: str) -> None:
    with pytest.raises(InvalidInput, match="push service"):
        checked(endpoint, KEY, AUTH, local="http://127.0.0.1:4000")


def test_browsers_subscriptions_can_be_used() -> None:
    for endpoint in (
        "https://fcm.googleapis.com/fcm/send/abc:APA91b",
        "https://updates.push.services.mozilla.com:443/wpush/v2/gAAA",
        "http://127.0.0.1:4000/_push/abc",
    ):
        found = checked(endpoint, f"{KEY}=", AUTH, local="http://127.0.0.1:4000")
        assert (found.endpoint, found.auth) == (endpoint, _bytes(AUTH))
        assert endpoint not in repr(found)


@pytest.mark.parametrize(
    ("key", "auth"),
    [(KEY, "AAAA"), (KEY[:-4], AUTH), (f"B{'A' * 86}", AUTH), ("??", AUTH), (KEY, "é"), ("", "")],
)
def test_keys_that_are_none_are_refused(key: str, auth: str) -> None:
    with pytest.raises(InvalidInput, match="keys"):
        checked("https://push.example.net/x", key, auth)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1",
        "64:ff9b::a00:1", "2002:a00:1::", "2001:db8::1", "ff02::1",
    ],
)  # fmt: skip
def test_inner_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_addresses_of_the_internet_are_public() -> None:
    assert is_public("93.184.216.34")
    assert is_public("2606:4700::1111")
    assert is_public("::ffff:93.184.216.34")


async def test_a_name_that_leads_to_this_machine_is_not_connected_to() -> None:
    with pytest.raises(NotPublic):
        await PublicOnly().connect_tcp("localhost", 443, 1.0)


async def test_an_endpoint_that_leads_nowhere_is_refused_and_raises_nothing() -> None:
    client = PushClient(Vapid(SECRET, "https://app.example.com"), lambda: NOW)
    for name in ("a" * 64, "a\udcff", "a..b", "xn--a"):
        to = Subscription(f"https://{name}.invalid/x", _bytes(KEY), _bytes(AUTH))
        answer = await client.push(b"x", to, topic="t", lasts=60)
        assert isinstance(answer, Refused | TryLater), name
    too_long = Subscription(f"https://{'a' * 64}.invalid/x", _bytes(KEY), _bytes(AUTH))
    assert await client.push(b"x", too_long, topic="t", lasts=60) == Refused("not_public")
    to = Subscription("https://push.invalid/x", _bytes(KEY), _bytes(AUTH))
    assert await client.push(b"x" * (MOST + 1), to, topic="t", lasts=60) == Refused("ValueError")
    await client.close()


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(b"60", 60), (b"9" * 400, 900), (b"9" * 5000, 0), (b"-5", 0), (b"Tue, 1 Dec 2026", 0)],
)
def test_a_push_service_cannot_have_us_wait_for_ever(told: bytes, seconds: float) -> None:
    answer = httpcore.Response(429, headers=[(b"Retry-After", told)])
    assert answer_of(answer) == TryLater("429", seconds)
