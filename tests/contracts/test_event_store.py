"""What everyone may rely on who writes to the log or reads it: on MongoDB and in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
from pydantic import SecretStr

from cplus.errors import CommitTooLarge, InvalidDraft
from cplus.events.audit.chain import Link
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.conversations import ConversationClosed
from cplus.events.catalogue.customers import CustomerDeleted
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.append import MAX_COMMIT
from cplus.events.log.commit import GENESIS, Draft, prepare, split
from cplus.events.log.commits import FOLDED, Commits
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.mongo_commits import MongoCommits, ensure_indexes
from cplus.events.log.outcomes import AlreadyRecorded, Appended, Conflict
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import decoded_all
from cplus.projections.checks.fold_in_memory import fold_shop
from cplus.projections.models.shops import SHOPS
from cplus.settings import Settings
from tests.databases import connected

SHOP = "acorn.myshopify.com"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


DRIVERS = ["motor", pytest.param("pymongo", marks=pytest.mark.soak)]


@pytest.fixture(params=[*DRIVERS, "memory"])
async def log(
    request: pytest.FixtureRequest, mongo_uri: str, database_name: str
) -> AsyncIterator[Commits]:
    """Where the commits rest; several stores on one are several processes."""
    if request.param == "memory":
        yield MemoryCommits()
        return
    settings = Settings(
        mongo_uri=SecretStr(mongo_uri), mongo_database=database_name, mongo_driver=request.param
    )
    mongo = connected(settings)
    await ensure_indexes(mongo.database)
    yield MongoCommits(mongo)


@pytest.fixture
def store(log: Commits) -> EventStore:
    return EventStore(log)


def fact(claim: str, shop: str = SHOP, events: int = 1) -> Draft:
    made = [NewEvent(f"shop/{shop}", AppUninstalled(), NOW) for _ in range(events)]
    return Draft(shop=shop, claim=claim, source="webhook", actor="shopify", events=made)


def version(number: int, claim: str, stream: str = "conversation/a") -> Draft:
    event = ConversationClosed(originator_id=stream, originator_version=number, timestamp=NOW)
    return Draft(
        shop=SHOP,
        claim=claim,
        source="dashboard",
        actor="merchant",
        events=[NewEvent.decided(event)],
    )


async def test_positions_are_numbered_from_one_with_no_gap(store: EventStore) -> None:
    outcomes = await store.append([fact("a", events=2), fact("b", events=0), fact("c")])
    assert [o.position for o in outcomes if isinstance(o, Appended)] == [1, 2, 3]
    commits = await store.read(SHOP, 0)
    assert [(c.position, c.seq, len(c.documents)) for c in commits] == [
        (1, 0, 2),
        (2, 2, 0),
        (3, 2, 1),
    ]
    assert [r.number for events in await EventReader().read(commits) for r in events] == [1, 2, 3]


async def test_a_claimed_cause_is_answered_with_the_first_commit(store: EventStore) -> None:
    [first] = await store.append([fact("webhook/x/1")])
    again, other = await store.append([fact("webhook/x/1"), fact("webhook/x/2")])
    assert isinstance(first, Appended)
    assert isinstance(again, AlreadyRecorded)
    assert again.commit.id == first.id
    assert isinstance(other, Appended)
    assert other.position == 2


async def test_the_same_cause_twice_in_one_call_is_one_commit(store: EventStore) -> None:
    first, second = await store.append([fact("w"), fact("w")])
    assert isinstance(first, Appended)
    assert isinstance(second, AlreadyRecorded)
    assert second.commit.id == first.id


async def test_one_claim_may_be_held_in_each_shop(store: EventStore) -> None:
    outcomes = await store.append([fact("w"), fact("w", shop="birch.myshopify.com")])
    assert [type(o) for o in outcomes] == [Appended, Appended]
    assert await store.heads() == {SHOP: 1, "birch.myshopify.com": 1}


async def test_the_heads_of_many_shops_come_in_pages_by_host(store: EventStore) -> None:
    hosts = [f"s{number}.myshopify.com" for number in range(5)]
    await store.append([fact(f"w{n}", shop=shop) for shop in reversed(hosts) for n in range(2)])
    for since in (None, NOW - timedelta(hours=1)):
        pages = [page async for page in store.heads_in_pages(since, size=2)]
        assert [list(page) for page in pages] == [hosts[:2], hosts[2:4], hosts[4:]]
        assert {shop: at for page in pages for shop, at in page.items()} == await store.heads()
    assert [page async for page in store.heads_in_pages(NOW + timedelta(days=9_999))] == []


async def test_two_writers_of_one_version_collide(store: EventStore) -> None:
    await store.append([version(1, "one")])
    outcomes = await asyncio.gather(*(store.append([version(2, f"w{i}")]) for i in range(8)))
    kinds = sorted(type(o).__name__ for [o] in outcomes)
    assert kinds == ["Appended"] + ["Conflict"] * 7
    [conflict] = {o for [o] in outcomes if isinstance(o, Conflict)}
    assert conflict == Conflict("conversation/a", 1, 2)


async def test_a_version_that_stands_on_nothing_is_refused(store: EventStore) -> None:
    [outcome] = await store.append([version(5, "five")])
    assert outcome == Conflict("conversation/a", 4, 0)
    assert await store.heads() == {}


async def test_what_was_decided_after_a_refused_version_falls_with_it(store: EventStore) -> None:
    await store.append([version(1, "one"), version(2, "theirs")])
    refused, follower, bystander = await store.append(
        [version(2, "mine"), version(3, "mine too"), version(1, "other", "conversation/b")]
    )
    assert isinstance(refused, Conflict)
    assert isinstance(follower, Conflict)
    assert isinstance(bystander, Appended)
    assert (await store.latest(SHOP, "conversation/a"))[0] == 2


async def test_a_repeated_call_with_versions_answers_as_the_first_time(store: EventStore) -> None:
    drafts = [version(1, "one"), version(2, "two")]
    first = await store.append(drafts)
    again = await store.append([version(1, "one"), version(2, "two"), version(3, "three")])
    assert [type(o) for o in first] == [Appended, Appended]
    assert [type(o) for o in again] == [AlreadyRecorded, AlreadyRecorded, Appended]


async def test_many_writers_on_one_shop_leave_no_gap_and_lose_nothing(log: Commits) -> None:
    stores = [EventStore(log) for _ in range(3)]
    writers = [stores[i % 3].append([fact(f"claim/{i % 60}"), fact(f"own/{i}")]) for i in range(90)]
    outcomes = list(itertools.chain(*await asyncio.gather(*writers)))
    written = [o for o in outcomes if isinstance(o, Appended)]
    assert len(written) == 60 + 90
    assert len(outcomes) - len(written) == 30
    commits = await stores[0].read(SHOP, 0)
    assert [c.position for c in commits] == list(range(1, 151))
    assert {(c.position, c.id) for c in commits} == {(o.position, o.id) for o in written}


async def test_every_commit_carries_the_hash_of_the_one_before(
    log: Commits, store: EventStore
) -> None:
    await store.append([fact(str(i)) for i in range(5)])
    raws = split(b"".join([piece async for piece in log.raw(SHOP)]))
    before = GENESIS
    for raw in raws:
        assert Link.of(raw).intact
        document = bson.decode(raw)
        assert document["prev"] == before
        before = document["hash"]
    assert len(raws) == 5
    assert (await store.head(SHOP)).hash == before
    assert split(b"".join([piece async for piece in log.raw(SHOP, 1, 3)])) == raws[1:3]
    changed = bytearray(raws[-1])
    changed[changed.index(b"shopify")] ^= 1
    assert not Link.of(bytes(changed)).intact


async def test_the_time_never_runs_backwards_within_a_shop(log: Commits) -> None:
    times = iter([NOW, NOW - timedelta(hours=1), NOW + timedelta(hours=1)])
    store = EventStore(log, clock=lambda: next(times))
    for claim in "abc":
        await store.append([fact(claim)])
    recorded = [c.recorded_at for c in await store.read(SHOP, 0)]
    assert recorded == [NOW, NOW, NOW + timedelta(hours=1)]


async def test_a_writer_with_an_old_head_finds_its_place(log: Commits, store: EventStore) -> None:
    await store.append([fact("a")])  # this writer remembers head 1
    await EventStore(log).append([fact("b"), fact("c")])
    [outcome] = await store.append([fact("d")])
    assert isinstance(outcome, Appended)
    assert outcome.position == 4


async def test_a_cancelled_append_is_settled_by_the_same_claim(store: EventStore) -> None:
    task = asyncio.create_task(store.append([fact("cut")]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [outcome] = await store.append([fact("cut")])
    assert isinstance(outcome, Appended | AlreadyRecorded)
    assert [c.claims for c in await store.read(SHOP, 0)] == [["cut"]]


async def test_writers_behind_a_cancelled_one_still_get_their_answer(store: EventStore) -> None:
    leader = asyncio.create_task(store.append([fact("leader")]))
    await asyncio.sleep(0)
    others = [asyncio.create_task(store.append([fact(f"f{i}")])) for i in range(5)]
    await asyncio.sleep(0)
    leader.cancel()
    outcomes = await asyncio.gather(*others)
    assert all(isinstance(o, Appended) for [o] in outcomes)


async def test_shops_written_at_the_same_time_hinder_each_other_in_nothing(
    log: Commits, store: EventStore
) -> None:
    shops = [f"shop{number:02}.myshopify.com" for number in range(20)]
    await store.append([fact("first", shop) for shop in shops])
    other = EventStore(log)
    await other.append([fact("taken", shop) for shop in shops[:5]])  # its heads are old there
    await other.append([fact("elsewhere", shop) for shop in shops[5:10]])  # there too

    calls = [
        asyncio.create_task(store.append([fact("taken", shop)])) for shop in (*shops, *shops[15:])
    ]
    await asyncio.sleep(0)
    for call in calls[10:12]:
        call.cancel()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    kinds = [type(o[0]) if isinstance(o, list) else type(o) for o in outcomes]
    assert kinds[:5] == [AlreadyRecorded] * 5
    assert kinds[5:10] == [Appended] * 5
    assert kinds[10:12] == [asyncio.CancelledError] * 2
    assert kinds[12:20] == [Appended] * 8
    assert kinds[20:] == [AlreadyRecorded] * 5
    await store.append([fact("taken", shop) for shop in shops[10:12]])  # settles the cancelled
    for number, shop in enumerate(shops):
        middle = ["elsewhere"] if 5 <= number < 10 else []
        claims = [commit.claims[0] for commit in await store.read(shop, 0)]
        assert claims == ["first", *middle, "taken"]


async def test_a_run_of_commits_that_is_refused_ends_and_stops_no_other_shops(
    log: Commits, store: EventStore
) -> None:
    shops = [f"{name}.myshopify.com" for name in ("acorn", "birch", "cedar", "doum", "elm")]
    await store.append([fact("held", shops[1]), fact("held", shops[3])])
    runs = []
    for shop in shops:
        head, run = await store.head(shop), []
        for claim in ("a", "held", "b"):
            raw, head = prepare(fact(claim, shop)).place(head, NOW)
            run.append(raw)
        runs.append(run)
    assert await log.insert(runs) == [True, False, True, False, True]
    assert [(await store.head(shop)).position for shop in shops] == [3, 2, 3, 2, 3]
    assert await log.insert([run[:1] for run in runs]) == [False] * 5


async def test_a_commit_over_the_limit_is_refused_before_anything_is_written(
    store: EventStore,
) -> None:
    big = Draft(
        shop=SHOP,
        claim="big",
        source="webhook",
        actor="shopify",
        cause=Cause("webhook", body=b"x" * MAX_COMMIT),
    )
    with pytest.raises(CommitTooLarge, match="big"):
        await store.append([fact("small"), big])
    assert await store.heads() == {}


async def test_what_bson_cannot_hold_is_refused_with_the_reason(store: EventStore) -> None:
    bad = Draft(
        shop=SHOP,
        claim="bad",
        source="webhook",
        actor="shopify",
        cause=Cause("webhook", headers={"x": "\ud800"}),
    )
    with pytest.raises(InvalidDraft, match="BSON"):
        await store.append([bad])
    twice = Draft(shop=SHOP, claim="c", source="s", actor="a", sequences=[("q", 1), ("q", 1)])
    with pytest.raises(InvalidDraft, match="twice"):
        await store.append([twice])


async def test_streams_claims_and_refs_find_their_commits(store: EventStore) -> None:
    with_ref = Draft(
        shop=SHOP, claim="r", source="s", actor="a", refs=["person/p"], sequences=[("contact/p", 1)]
    )
    await store.append([version(1, "one"), with_ref, version(2, "two"), fact("f")])
    assert [c.position for c in await store.stream(SHOP, "conversation/a")] == [1, 3]
    assert [c.position for c in await store.by_ref(SHOP, "person/p")] == [2]
    number, commit = await store.latest(SHOP, "contact/p")
    assert number == 1
    assert commit is not None
    assert commit.position == 2
    assert await store.latest(SHOP, "contact/q") == (0, None)
    found = await store.by_claim(SHOP, "f")
    assert found is not None
    assert found.position == 4


async def test_a_long_stream_tells_its_last_version_and_reads_in_batches(
    store: EventStore,
) -> None:
    for last in (1, 15, 16, 17, 40, 100, 257):
        first = (await store.latest(SHOP, "conversation/a"))[0] + 1
        await store.append([version(n, f"v{n}") for n in range(first, last + 1)])
        number, commit = await store.latest(SHOP, "conversation/a")
        assert number == last
        assert commit is not None
        assert commit.claims[0] == f"v{last}"
    read = [c.claims[0] async for c in store.iterate_stream(SHOP, "conversation/a", batch=50)]
    assert read == [f"v{n}" for n in range(1, 258)]
    some = store.iterate_stream(SHOP, "conversation/a", after=3, until=6, batch=2)
    assert [c.claims[0] async for c in some] == ["v4", "v5", "v6"]


async def test_a_stream_is_whole_where_one_commit_holds_several_of_its_versions(
    store: EventStore,
) -> None:
    stream = "conversation/a"
    for first in (1, 4, 7):
        events = [version(n, "x").events[0] for n in range(first, first + 3)]
        await store.append(
            [Draft(SHOP, f"c{first}", "dashboard", "merchant", events=events), fact(f"f{first}")]
        )
    read = [c.claims[0] async for c in store.iterate_stream(SHOP, stream, batch=2)]
    assert read == ["c1", "c4", "c7"]
    assert (await store.latest(SHOP, stream))[0] == 9


async def test_a_shop_is_read_as_of_a_position_and_as_of_a_moment(log: Commits) -> None:
    times = iter([NOW + timedelta(hours=hour) for hour in range(7)])
    store = EventStore(log, clock=lambda: next(times))
    for i in range(7):
        await store.append([fact(f"f{i}")])

    async def positions(until: int | datetime | None) -> list[int]:
        return [c.position async for c in store.iterate(SHOP, 1, until=until, batch=2)]

    assert await positions(None) == [2, 3, 4, 5, 6, 7]
    assert await positions(5) == [2, 3, 4, 5]
    assert await positions(NOW + timedelta(hours=3)) == [2, 3, 4]
    assert await positions(NOW) == []
    reached = [
        await store.position_at(SHOP, NOW + timedelta(minutes=minutes))
        for minutes in (-1, 0, 59, 60, 1_000)
    ]
    assert reached == [0, 1, 1, 2, 7]


async def test_claims_refs_and_correlations_are_read_in_batches(store: EventStore) -> None:
    drafts = [
        Draft(SHOP, f"c{i}", "s", "a", refs=["person/p"] if i % 2 else [], correlation_id="k/1")
        for i in range(9)
    ]
    await store.append(drafts)
    claims = [f"c{i}" for i in range(0, 12, 2)]
    held = {c: commit.position async for c, commit in store.iterate_claims(SHOP, claims, batch=2)}
    assert held == {"c0": 1, "c2": 3, "c4": 5, "c6": 7, "c8": 9}
    rising = [c.position async for c in store.iterate_ref(SHOP, "person/p", batch=2)]
    falling = store.iterate_ref(SHOP, "person/p", batch=2, newest_first=True)
    assert rising == [2, 4, 6, 8]
    assert [c.position async for c in falling] == [8, 6, 4, 2]
    correlated = [c.position async for c in store.iterate_correlation(SHOP, "k/1", batch=4)]
    assert correlated == list(range(1, 10))
    assert [c async for c in store.iterate_correlation(SHOP, "k/2")] == []
    counted = [await store.count_ref(SHOP, "person/p", most) for most in (0, 3, 4, 5)]
    assert counted == [0, 3, 4, 4]
    assert await store.count_ref(SHOP, "person/q", 5) == 0
    every = [c.position async for c in store.iterate_ref(SHOP, "person/p")]
    for most in (0, 3, 4, 5):
        assert await store.positions_of_ref(SHOP, "person/p", most) == every[:most]
    assert await store.positions_of_ref(SHOP, "person/q", 5) == []


async def test_commits_of_several_streams_and_refs_are_found_by_one_query(
    store: EventStore,
) -> None:
    other = "birch.myshopify.com"
    drafts = [
        version(1, "a", "s/1"),
        version(1, "b", "s/10"),
        version(1, "c", "s/2"),
        replace(version(2, "d", "s/1"), refs=["gone"]),
        Draft(SHOP, "e", "webhook", "shopify", refs=["gone"]),
        Draft(other, "f", "webhook", "shopify", refs=["gone"]),
        replace(version(1, "g", "s/1"), shop=other),
    ]
    for draft in drafts:
        await store.append([draft])

    async def claims(streams: Sequence[str], refs: Sequence[str] = ()) -> list[str]:
        return [one.claims[0] for one in await store.of_streams(SHOP, streams, refs)]

    assert await claims(["s/1"]) == ["a", "d"]
    assert await claims(["s/2", "s/1"], ["gone"]) == ["a", "c", "d", "e"]
    assert await claims(["s/10", "s/3"]) == ["b"]
    assert await claims(["s/3"]) == []


async def test_a_read_leaves_the_cause_out_unless_it_is_asked_for(store: EventStore) -> None:
    cause = Cause("webhook", body=b"{}", headers={"x": "y"})
    ref = ["person/p"]
    await store.append([Draft(SHOP, "w", "webhook", "shopify", cause=cause, refs=ref)])
    for wanted in (False, True):
        found = [
            *await store.read(SHOP, 0, cause=wanted),
            *[c async for c in store.iterate(SHOP, cause=wanted)],
            *[c async for c in store.iterate_ref(SHOP, "person/p", cause=wanted)],
            *[c async for _, c in store.iterate_claims(SHOP, ["w"], cause=wanted)],
        ]
        assert len(found) == 4
        assert {bytes((c.cause or {"body": b""})["body"]) for c in found} == {b"{}" * wanted}


async def test_a_fold_reads_what_it_does_not_ignore_in_parts(store: EventStore) -> None:
    cause = Cause("webhook", body=b"{}")
    told = Draft(SHOP, "told", "webhook", "shopify", reason="none", cause=cause)
    gone = CustomerDeleted(shopify_customer_id=7, person="person/p")
    both = [*fact("both").events, NewEvent("customer/7", gone, NOW)]
    drafts = [fact("a"), told, Draft(SHOP, "both", "test", "test", both), fact("c"), fact("d")]
    await store.append([*drafts, fact("else", shop="birch.myshopify.com")])
    all_types, ignored = None, ["app.uninstalled"]

    async def found(
        after: int, until: int | None, types: list[str] | None, limit: int = 9, room: int = 10**6
    ) -> list[list[int]]:
        raw = await store.log.to_fold(SHOP, after, until, types, limit, room=room, each=2)
        parts = [decoded_all(part) for part in raw.parts]
        assert {tuple(row) for part in parts for row in part} <= {FOLDED}
        assert raw.size == sum(map(len, raw.parts))
        assert raw.last == (split(raw.parts[-1])[-1] if raw.parts else b"")
        positions = [[row["position"] for row in part] for part in parts]
        assert raw.count == sum(map(len, positions))
        return positions

    assert await found(0, None, all_types) == [[1, 2], [3, 4], [5]]
    assert await found(1, 4, all_types) == [[2, 3], [4]]
    assert await found(0, None, all_types, limit=3) == [[1, 2], [3]]
    assert await found(1, None, all_types, room=1) == [[2]]
    assert await found(0, None, ignored) == [[3]]
    assert await found(3, None, ignored) == []
    assert await found(0, None, []) == [[1, 3], [4, 5]]


async def test_a_projection_is_folded_over_every_log(store: EventStore) -> None:
    await store.append([fact(f"f{number}") for number in range(30)])
    folded = await fold_shop(store, EventReader(), SHOPS, SHOP)
    assert (folded.stop, folded.position, folded.seq) == (None, 30, 30)
    [row] = folded.rows.values()
    assert not row["installation"]["installed"]


async def test_the_commits_of_all_shops_between_two_times_are_found(log: Commits) -> None:
    times = iter([NOW + timedelta(hours=hour) for hour in range(6)])
    store = EventStore(log, clock=lambda: next(times))
    for i in range(6):
        await store.append([fact(f"f{i}", shop=f"s{i % 2}.myshopify.com")])
    between = store.iterate_recorded(NOW + timedelta(hours=1), NOW + timedelta(hours=4))
    assert [c.claims[0] async for c in between] == ["f1", "f2", "f3"]
    assert await store.heads(NOW + timedelta(hours=5)) == {"s1.myshopify.com": 3}


async def test_what_has_no_event_is_found_by_its_source_shop_after_shop(log: Commits) -> None:
    now, other = NOW, "birch.myshopify.com"
    store = EventStore(log, clock=lambda: now)

    def unread(shop: str, claim: str, source: str = "webhook") -> Draft:
        return Draft(shop=shop, claim=claim, source=source, actor="shopify", reason="no JSON")

    for shop in (other, SHOP):
        await store.append([unread(shop, "a"), unread(shop, "b", "mail")])
        now += timedelta(hours=1)
        await store.append([fact("with-event", shop), unread(shop, "c")])
        now += timedelta(hours=1)

    async def found(**asked: Any) -> list[tuple[str, int]]:
        return [(one.shop, one.position) for one in await store.eventless("webhook", **asked)]

    first, second = sorted((SHOP, other))
    everything = [(first, 1), (first, 4), (second, 1), (second, 4)]
    assert await found() == everything
    assert await found(limit=3) == everything[:3]
    assert await found(after=(first, 1), limit=2) == everything[1:3]
    assert await found(after=(second, 4)) == []
    assert await found(shop=second, after=(first, 4)) == everything[2:]
    assert await found(shop=second, after=(second, 1)) == everything[3:]
    assert await found(since=now - timedelta(hours=1)) == [(SHOP, 4)]
