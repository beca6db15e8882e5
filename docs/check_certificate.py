"""Checks the certificate of an erasure, with nothing but Python.

    python check_certificate.py certificate.json [root]

`root` is the root of the day in hexadecimal, from whoever kept it: with it, nobody can have made
up the certificate since. docs/privacy.md says what each step proves.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HASH = b"\x05hash\x00" + (32).to_bytes(4, "little") + b"\x00"  # the last element of each commit
TAIL = len(HASH) + 32 + 1
SIZES = {1: 8, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8}  # bytes of a value, by its type
VALUES: dict[int, Callable[[bytes], Any]] = {2: lambda value: value[4:-1].decode()}
VALUES |= dict.fromkeys((16, 18), lambda value: int.from_bytes(value, "little", signed=True))


def sha256(data: bytes) -> bytes:
    """The hash of everything here."""
    return hashlib.sha256(data).digest()


def read(raw: bytes) -> dict[str, Any]:
    """A document of BSON, a list being one too. Raises ValueError if it is none."""
    found: dict[str, Any] = {}
    at, end = 4, len(raw) - 1
    if end < at or int.from_bytes(raw[:4], "little") != len(raw) or raw[end]:
        raise ValueError("is no commit")
    while at < end:
        kind, stop = raw[at], raw.index(0, at + 1)
        name, at = raw[at + 1 : stop].decode(), stop + 1
        told = int.from_bytes(raw[at : at + 4], "little")  # its length, if it has one
        size = {2: 4 + told, 3: told, 4: told, 5: 5 + told, **SIZES}.get(kind, len(raw))
        if name in found or at + size > end:
            raise ValueError("is no commit")
        value = raw[at : at + size]
        found[name] = read(value) if kind in {3, 4} else VALUES.get(kind, bytes)(value)
        at += size
    return found


def erased(raw: bytes, entry: dict[str, Any], told: dict[str, Any]) -> set[str]:
    """Whom this commit of the entry says to be erased. Raises ValueError if something is wrong."""
    if raw[-TAIL:-33] != HASH or sha256(raw[4:-TAIL]) != raw[-33:-1]:
        raise ValueError("does not have the hash of what it holds")
    if raw[-33:-1].hex() != told["hash"]:
        raise ValueError("is another commit than the one that the ledger names")
    commit, of_shop = read(raw), entry.get("kind") == "shop"
    if (commit["shop"], commit["position"]) != (entry["shop"], told["position"]):
        raise ValueError("is of another shop, or of another position")
    kind = "privacy.shop_erased" if of_shop else "privacy.person_erased"
    events = [one["data"] for one in commit["events"].values() if one["type"] == kind]
    own = [one for one in events if one["erasure"] == entry["erasure"]]
    return {entry["shop"] if of_shop else one["person"] for one in own}


def whom(entry: dict[str, Any]) -> set[str]:
    """Who was erased, as the entry says: every id of the person, or the shop."""
    return {entry["shop"]} if entry.get("kind") == "shop" else set(entry["persons"])


def problems(certificate: dict[str, Any], kept: str | None = None) -> Iterator[str]:
    """Everything that is wrong, in words."""
    entry, root, named = json.loads(certificate["entry"]), certificate["root"], set[str]()
    raws = [base64.b64decode(one) for one in certificate["commits"]]
    if len(raws) != len(entry["commits"]):
        yield "it does not have the commits that the ledger names"
    for raw, told in zip(raws, entry["commits"], strict=False):
        try:
            named |= erased(raw, entry, told)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            yield f"the commit at position {told['position']} {error}"
    if not named or named != whom(entry):
        yield f"its commits do not say that {', '.join(sorted(whom(entry)))} was erased"
    if root is None:
        yield "its day has no root yet: ask for it again tomorrow"
        return
    digest = sha256(certificate["entry"].encode()).hex()
    found = sha256(f"\0erasure\n{certificate['key']}\n{digest}".encode())
    for side, beside in root["path"]:
        pair = bytes.fromhex(beside) + found if side == "left" else found + bytes.fromhex(beside)
        found = sha256(b"\1" + pair)
    if found.hex() != root["value"]:
        yield "the path from the ledger's entry does not lead to the root"
    elif kept not in (None, root["value"]):
        yield "the root is another one than the root that you have"


if __name__ == "__main__":
    certificate = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    found = list(problems(certificate, *sys.argv[2:3]))
    entry = json.loads(certificate["entry"])
    for wrong in found:
        print("WRONG:", wrong)
    if not found:
        print(
            f"{', '.join(sorted(whom(entry)))} of {entry['shop']} was erased: {entry['keys']} keys "
            f"and {entry['objects']} objects destroyed by {entry['at']}, under the root of "
            f"{certificate['root']['day']}, {certificate['root']['value']}"
        )
        if not sys.argv[2:]:
            print("The root was not compared: name the one of that day that you have kept.")
    sys.exit(bool(found))
