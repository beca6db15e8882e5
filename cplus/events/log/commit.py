"""The commit, one document per cause: encoding, hash and decoding."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import bson
import bson.errors

from cplus.errors import InvalidDraft
from cplus.events.base import Cause, Event, NewEvent
from cplus.events.log.codec import encode, encode_cause
from cplus.events.log.sealing import Key, Sealer
from cplus.events.names import correlation_ref, version_claim
from cplus.events.reasons import Code
from cplus.ids import random_id

GENESIS = b"\0" * 32
"""The previous hash in the first commit of a shop."""

HASH_ELEMENT = b"\x05hash\x00" + (32).to_bytes(4, "little") + b"\x00"
_TAIL = len(HASH_ELEMENT) + 32 + 1  # the element, its 32 bytes and the end of the document
PREV_ELEMENT = b"\x05prev\x00" + (32).to_bytes(4, "little") + b"\x00"
_PLACED = 256  # maximum bytes of the elements that depend on the position, and of the ends
_INT32, _INT64 = struct.Struct("<i").pack, struct.Struct("<q").pack
_INT32_MAX = 2**31 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit before it has a position in the log."""

    shop: str
    claim: str
    """The claim of its cause, for example `webhook/orders/create/<id>`. If another commit holds it,
    that commit is the answer."""
    source: str
    actor: str
    events: Sequence[NewEvent] = ()
    cause: Cause | None = None
    sequences: Sequence[tuple[str, int]] = ()
    """More (name, number) pairs that only this commit may hold, besides the versions of its
    streams; number n requires n - 1."""
    refs: Sequence[str] = ()
    """Other names to find it by; not unique."""
    correlation_id: str | None = None
    """Shared by all commits that follow from one outside cause."""
    causation_id: str | None = None
    """The id of the commit that this one follows from."""
    reason: str | None = None
    """Why the cause led to no event, if it has none."""
    code: Code | None = None
    """The same for programs, if they are to tell it apart."""
    about: Sequence[str] = ()
    """Whom its cause is about besides those whom its events name. They are refs of it too."""
    strangers: bool = False
    """Whether its cause names somebody who is not known: then it can be opened for 30 days, as one
    in which nobody is known."""
    erases: bool = False
    """Whether it is an erasure: whoever appends after it loads their keys again."""
    id: str = field(default_factory=lambda: random_id(26))

    def persons(self) -> list[str]:
        """Whom its events name, and whom its cause is about."""
        named = (one for new in self.events for one in new.event.persons())
        return list(dict.fromkeys([*named, *self.about]))

    def owners(self, unnamed: str) -> list[str]:
        """Under whose keys it is sealed: of the persons in its personal fields and, if it holds the
        body of a cause or the key of its object, of all whom it names. `unnamed` is the owner of a
        cause in which nobody is known, or not everybody."""
        if self.cause is not None and self.cause.is_sealed:
            persons = self.persons()
            return [*persons, unnamed] if self.strangers or not persons else persons
        sealed = [new.event for new in self.events if new.event.PERSONAL_FIELDS]
        # What is sealed for nobody in particular holds nothing about anybody.
        return list(dict.fromkeys(str(one) for event in sealed if (one := _whose(event))))

    def numbered(self) -> list[tuple[str, int]]:
        """The (name, number) of every version and sequence that it claims."""
        versions = [(new.stream, new.version) for new in self.events if new.version is not None]
        return versions + list(self.sequences)

    def claims(self) -> list[str]:
        """Its claims, that of the cause first; raises InvalidDraft if one is repeated."""
        claims = [self.claim, *(version_claim(name, number) for name, number in self.numbered())]
        if len(set(claims)) != len(claims):
            # A unique index over an array does not detect duplicates within one document.
            raise InvalidDraft(claim=self.claim, reason="it holds one claim twice")
        return claims


def _whose(event: Event) -> str | None:
    """The person in whose personal fields it holds something."""
    person: str | None = getattr(event, "person")  # noqa: B009  a test of the catalogue says so
    return person


class Head(NamedTuple):
    """The last commit of a shop, on which the next one builds. A tuple, like all that an append
    makes for each commit."""

    position: int
    seq: int
    """Number of events of the shop up to and including this commit."""
    hash: bytes
    recorded_at: datetime | None
    erasures: int

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> Head:
        """The head for a stored commit; with None, the head of an empty shop."""
        if document is None:
            return cls(0, 0, GENESIS, None, 0)
        return cls(
            document["position"],
            document["seq"] + document["n"],
            bytes(document["hash"]),
            document["recorded_at"],
            document["erasures"],
        )


class Commit(NamedTuple):
    """A commit read from the log. A tuple, because reading the log creates one per commit."""

    id: str
    shop: str
    position: int
    seq: int
    claims: Sequence[str]
    refs: Sequence[str]
    recorded_at: datetime
    source: str
    actor: str
    correlation_id: str | None
    causation_id: str | None
    reason: str | None
    documents: Sequence[Mapping[str, Any]]
    """Its stored events. Only `cplus.events.reader` decodes them; no other code looks inside."""
    cause: Mapping[str, Any] | None
    """Its cause; None if it has none or the cause was not requested."""
    code: str | None = None
    """The code of the reason; None if it has none, or was stored before there were codes."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Commit:
        """The commit of a stored document."""
        return cls(
            document["_id"],
            document["shop"],
            document["position"],
            document["seq"],
            document["claims"],
            document["refs"],
            document["recorded_at"],
            document["source"],
            document["actor"],
            document["correlation_id"],
            document["causation_id"],
            document.get("reason"),
            document["events"],
            document.get("cause"),
            document.get("code"),
        )

    @property
    def correlation(self) -> str:
        """The correlation id for commits that follow from it: its own, or its id if it has none."""
        return self.correlation_id or self.id

    @property
    def cause_ref(self) -> Mapping[str, str] | None:
        """Where the bytes of its cause are, if they are not in it: {"bucket", "key"}."""
        return self.cause["ref"] if self.cause is not None else None

    @property
    def types(self) -> list[str]:
        """The stored types of its events, in order."""
        return [document["type"] for document in self.documents]

    @property
    def seq_after(self) -> int:
        """Events of the shop up to and with this commit."""
        return self.seq + len(self.documents)


class Sealing(NamedTuple):
    """The keys with which drafts of a shop are sealed."""

    erasures: int
    """How many erasures the shop's log had seen when they were loaded, or before."""
    keys: Mapping[str, Key]
    """By owner."""
    unnamed: str
    """The owner of a cause in which nobody is known."""


class Prepared(NamedTuple):
    """A draft in BSON except for what depends on its position, so a retry need not encode it
    again."""

    draft: Draft
    claims: Sequence[str]
    events: int
    name: bytes
    """The elements `_id` and `shop`."""
    found_by: bytes
    """The elements `n`, `claims` and `refs`."""
    told: bytes
    """The elements from `source` to `events`."""
    reason: bytes
    """The elements `reason` and `code`, those that there are."""
    erasures: int | None
    """It may only follow a head that has seen so many erasures; None: it holds nothing sealed."""

    @property
    def size(self) -> int:
        """Maximum size of the commit in bytes."""
        told = len(self.name) + len(self.found_by) + len(self.told) + len(self.reason)
        return told + _PLACED

    def place(self, head: Head, now: datetime) -> tuple[bytes, Head]:
        """The BSON of the commit that follows `head`, with its hash as the last element, and
        the resulting head.

        The hash is SHA-256 over every byte of the preceding elements, including the hash of the
        previous commit: a reader verifies it by slicing.
        """
        recorded_at = max(now, head.recorded_at) if head.recorded_at else now
        erasures = head.erasures + self.draft.erases
        body = b"".join(
            (
                self.name,
                _number(b"position", head.position + 1),
                _number(b"seq", head.seq),
                self.found_by,
                b"\x09recorded_at\x00",
                _INT64((recorded_at - _EPOCH) // _MILLISECOND),
                self.told,
                _number(b"erasures", erasures),
                self.reason,
                PREV_ELEMENT,
                head.hash,
            )
        )
        digest = hashlib.sha256(body).digest()
        length = 4 + len(body) + _TAIL
        raw = b"".join((_INT32(length), body, HASH_ELEMENT, digest, b"\x00"))
        after = Head(head.position + 1, head.seq + self.events, digest, recorded_at, erasures)
        return raw, after


def prepare(draft: Draft, sealing: Sealing | None = None) -> Prepared:
    """Encodes a draft once, sealed if it is told how; raises InvalidDraft if it can never be a
    commit."""
    claims = draft.claims()
    owners = draft.owners(sealing.unnamed) if sealing else []
    sealer = None
    if sealing and owners:
        sealer = Sealer(draft.shop, draft.id, sealing.keys, len(draft.events))
    refs = [*draft.refs, *draft.about]
    if draft.correlation_id is not None:
        refs.append(correlation_ref(draft.correlation_id))
    try:
        return Prepared(
            draft,
            claims,
            len(draft.events),
            _elements({"_id": draft.id, "shop": draft.shop}),
            _elements(
                {"n": len(draft.events), "claims": claims, "refs": list(dict.fromkeys(refs))}
            ),
            _elements(
                {
                    "source": draft.source,
                    "actor": draft.actor,
                    "correlation_id": draft.correlation_id,
                    "causation_id": draft.causation_id,
                    "cause": encode_cause(draft.cause, sealer, owners),
                    "events": [encode(new, sealer, at) for at, new in enumerate(draft.events)],
                }
            ),
            _elements(_why(draft)),
            sealing.erasures if sealing and sealer else None,
        )
    except (
        OverflowError,
        UnicodeEncodeError,
        ValueError,
        RecursionError,
        bson.errors.BSONError,
    ) as error:
        kind = type(error).__name__
        raise InvalidDraft(claim=draft.claim, reason=f"BSON cannot hold it ({kind})") from None


def _why(draft: Draft) -> dict[str, Any]:
    said = {"reason": draft.reason, "code": draft.code and draft.code.value}
    return {name: value for name, value in said.items() if value is not None}


def _elements(document: dict[str, Any]) -> bytes:
    return bson.encode(document)[4:-1]


def _number(name: bytes, value: int) -> bytes:
    # Like the driver: in 32 bits if it fits.
    if value <= _INT32_MAX:
        return b"\x10" + name + b"\x00" + _INT32(value)
    return b"\x12" + name + b"\x00" + _INT64(value)


def split(raws: bytes) -> list[bytes]:
    """The documents of one piece of raw BSON."""
    found, start = [], 0
    while start < len(raws):
        end = start + int.from_bytes(raws[start : start + 4], "little")
        found.append(raws[start:end])
        start = end
    return found
