"""Only what Shopify signed, with a secret that is ours, is taken."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.errors import InvalidSignature, SignedForAnotherUse
from cplus.shopify import sign_query, sign_webhook, verify_query, verify_webhook

NEW, OLD = "new-secret-of-the-app", "old-secret-of-the-app"
NOW = 1_795_000_000.0
SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
CLEAN = st.text(st.characters(exclude_categories=["Cs"]))


def test_a_webhook_is_signed_over_its_raw_bytes() -> None:
    body = b'{"id": 1,\n "name": "caf\xc3\xa9"}'
    expected = base64.b64encode(hmac.digest(NEW.encode(), body, "sha256")).decode()
    assert sign_webhook(body, NEW) == expected
    verify_webhook(body, expected, [NEW])


def test_old_and_new_secret_are_taken_side_by_side() -> None:
    for secret in (NEW, OLD):
        verify_webhook(b"{}", sign_webhook(b"{}", secret), [NEW, OLD])
    with pytest.raises(InvalidSignature):
        verify_webhook(b"{}", sign_webhook(b"{}", "another"), [NEW, OLD])


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_nothing_is_taken(secrets: list[str]) -> None:
    with pytest.raises(InvalidSignature):
        verify_webhook(b"{}", sign_webhook(b"{}", ""), secrets)
    query = {"timestamp": str(int(NOW))}
    with pytest.raises(InvalidSignature):
        verify_query({**query, "hmac": sign_query(query, "")}, secrets, NOW)


@given(body=st.binary(), other=st.binary(), secret=SECRETS)
def test_a_changed_body_or_another_secret_never_passes(
    body: bytes, other: bytes, secret: str
) -> None:
    signature = sign_webhook(body, secret)
    verify_webhook(body, signature, [secret])
    if body != other:
        with pytest.raises(InvalidSignature):
            verify_webhook(other, signature, [secret])
    with pytest.raises(InvalidSignature):
        verify_webhook(body, sign_webhook(body, secret + "!"), [secret])


@given(st.text())
def test_a_signature_of_any_characters_is_refused_without_an_error(signature: str) -> None:
    with pytest.raises(InvalidSignature):
        verify_webhook(b"body", signature, [NEW, OLD])
    with pytest.raises(InvalidSignature):
        verify_query({"hmac": signature, "timestamp": str(int(NOW))}, [NEW], NOW)


@pytest.mark.parametrize("mangle", [str.lower, str.strip, lambda s: s + "=", lambda s: s[:-1]])
def test_a_signature_that_is_nearly_right_is_refused(mangle: object) -> None:
    signature = sign_webhook(b"a body", NEW)
    mangled = mangle(signature + " " if mangle is str.strip else signature)  # type: ignore[operator]
    if mangled != signature:
        with pytest.raises(InvalidSignature):
            verify_webhook(b"a body", mangled, [NEW])


def _as_a_webhook(query: dict[str, str]) -> tuple[bytes, str]:
    """What Shopify signed of a redirect, and its signature as that of a webhook's body."""

    def escaped(text: str) -> str:
        return text.replace("%", "%25").replace("&", "%26")

    parts = [f"{escaped(n).replace('=', '%3D')}={escaped(v)}" for n, v in query.items()]
    body = "&".join(sorted(parts)).encode()
    signature = base64.b64encode(bytes.fromhex(sign_query(query, NEW))).decode()
    assert signature == sign_webhook(body, NEW)
    return body, signature


@pytest.mark.parametrize(
    "name",
    [
        "code",
        ' {"id":1,"x":"',
        '\n{"id":1,"x":"',
        '[{"id":1,"x":"',
        '"',
        "0",
        "%",
        "\ufeff{",
        "é",
        "zz {}",
        "",
    ],
)
def test_no_signed_query_passes_for_a_webhook_whatever_its_names(name: str) -> None:
    query = {"shop": "jam.myshopify.com", "timestamp": str(int(NOW)), name: "a", "zzz": '"}'}
    with pytest.raises(SignedForAnotherUse):
        verify_webhook(*_as_a_webhook(query), [NEW])


@given(st.dictionaries(CLEAN, CLEAN, max_size=4))
def test_no_query_at_all_passes_for_a_webhook(params: dict[str, str]) -> None:
    signed = {**params, "shop": "jam.myshopify.com", "timestamp": str(int(NOW))}
    signed.pop("hmac", None)
    with pytest.raises(SignedForAnotherUse):
        verify_webhook(*_as_a_webhook(signed), [NEW])


def test_a_webhook_that_holds_a_redirects_address_is_still_a_webhook() -> None:
    query = "/?a=1&hmac=x&shop=jam.myshopify.com&timestamp=1795000000&z=1"
    for body in (
        b'{"id":1,"landing_site":"%s"}' % query.encode(),
        b'{"a=":"&code=1&host=x&shop=y&timestamp=1&z="}',
    ):
        verify_webhook(body, sign_webhook(body, NEW), [NEW])


def test_a_query_is_signed_as_shopify_documents() -> None:
    query = {
        "code": "0907a61c0c8d55e99db179b68161bc00",
        "shop": "jam.myshopify.com",
        "state": "0.6784241404160823",
        "timestamp": "1337178173",
    }
    message = "&".join(f"{name}={value}" for name, value in query.items())
    expected = hmac.new(NEW.encode(), message.encode(), hashlib.sha256).hexdigest()
    assert sign_query(query, NEW) == expected
    verify_query({**query, "hmac": expected}, [NEW, OLD], 1337178173)


def _signed(**params: str) -> dict[str, str]:
    query = {"shop": "jam.myshopify.com", "timestamp": str(int(NOW)), **params}
    return {**query, "hmac": sign_query(query, NEW)}


@pytest.mark.parametrize("off", [-90, 0, 90])
def test_a_timestamp_within_ninety_seconds_is_taken(off: int) -> None:
    verify_query(_signed(), [NEW], NOW + off)


@pytest.mark.parametrize("off", [-3600, -91, 91, 3600])
def test_a_timestamp_further_off_is_refused(off: int) -> None:
    with pytest.raises(InvalidSignature):
        verify_query(_signed(), [NEW], NOW + off)


@pytest.mark.parametrize("timestamp", ["", "nan", "1e9", "-5", "९", " 1795000000", "9" * 5000])
def test_a_timestamp_that_is_no_number_is_refused_though_it_is_signed(timestamp: str) -> None:
    with pytest.raises(InvalidSignature):
        verify_query(_signed(timestamp=timestamp), [NEW], NOW)


def test_a_parameter_given_twice_is_refused() -> None:
    pairs = [("shop", "a.myshopify.com"), ("shop", "b.myshopify.com"), ("timestamp", str(int(NOW)))]
    with pytest.raises(InvalidSignature):
        verify_query([*pairs, ("hmac", sign_query(pairs, NEW))], [NEW], NOW)


@given(st.dictionaries(CLEAN, CLEAN, max_size=4), CLEAN, CLEAN)
def test_a_changed_query_never_passes(params: dict[str, str], name: str, value: str) -> None:
    signed = _signed(**{key: one for key, one in params.items() if key != "hmac"})
    signed["timestamp"] = str(int(NOW))
    query = {key: one for key, one in signed.items() if key != "hmac"}
    signed["hmac"] = sign_query(query, NEW)
    verify_query(signed, [NEW], NOW)
    if name not in ("hmac", "timestamp") and query.get(name) != value:
        with pytest.raises(InvalidSignature):
            verify_query({**signed, name: value}, [NEW], NOW)


def test_one_value_cannot_pass_for_two_parameters() -> None:
    one = {"a": "1&b=2", "timestamp": "1"}
    two = {"a": "1", "b": "2", "timestamp": "1"}
    assert sign_query(one, NEW) != sign_query(two, NEW)
