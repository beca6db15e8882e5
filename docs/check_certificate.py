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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HASH = b"\x05hash\x00" + (32).to_bytes(4, "little") + b"\x00"  # the last element of each commit
TAIL = len(HASH) + 32 + 1


def sha256(data: bytes) -> bytes:
    """The hash of everything here."""
    return hashlib.sha256(data).digest()


def wrong_commit(raw: bytes, entry: dict[str, Any], told: dict[str, Any]) -> str | None:
    """What is wrong with a commit that the entry names; None if nothing is."""
    if len(raw) != int.from_bytes(raw[:4], "little") or raw[-TAIL:-33] != HASH or raw[-1]:
        return "is no commit"
    if sha256(raw[4:-TAIL]) != raw[-33:-1]:
        return "does not have the hash of what it holds"
    if raw[-33:-1].hex() != told["hash"]:
        return "is another commit than the one that the ledger names"
    said = (b"privacy.person_erased", entry["erasure"].encode(), *map(str.encode, entry["persons"]))
    if not all(word in raw for word in said[:2]) or not any(word in raw for word in said[2:]):
        return "does not say that this person was erased"
    return None


def root_of(certificate: dict[str, Any]) -> str:
    """The root to which the path leads from the entry."""
    digest = sha256(certificate["entry"].encode()).hex()
    found = sha256(f"\0erasure\n{certificate['key']}\n{digest}".encode())
    for side, beside in certificate["root"]["path"]:
        pair = bytes.fromhex(beside) + found if side == "left" else found + bytes.fromhex(beside)
        found = sha256(b"\1" + pair)
    return found.hex()


def problems(certificate: dict[str, Any], kept: str | None = None) -> Iterator[str]:
    """Everything that is wrong, in words."""
    entry = json.loads(certificate["entry"])
    raws = [base64.b64decode(one) for one in certificate["commits"]]
    if not raws or len(raws) != len(entry["commits"]):
        yield "it does not have the commits that the ledger names"
    for raw, told in zip(raws, entry["commits"], strict=False):
        if wrong := wrong_commit(raw, entry, told):
            yield f"the commit at position {told['position']} {wrong}"
    if certificate["root"] is None:
        yield "its day has no root yet: ask for it again tomorrow"
    elif root_of(certificate) != certificate["root"]["value"]:
        yield "the path from the ledger's entry does not lead to the root"
    elif kept not in (None, certificate["root"]["value"]):
        yield "the root is another one than the root that you have"


if __name__ == "__main__":
    certificate = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    found = list(problems(certificate, *sys.argv[2:3]))
    entry = json.loads(certificate["entry"])
    for wrong in found:
        print("WRONG:", wrong)
    if not found:
        print(
            f"{entry['persons'][0]} of {entry['shop']} was erased: {entry['keys']} keys and "
            f"{entry['objects']} objects destroyed by {entry['at']}, under the root of "
            f"{certificate['root']['day']}, {certificate['root']['value']}"
        )
    sys.exit(bool(found))
