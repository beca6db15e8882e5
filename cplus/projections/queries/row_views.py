"""Stored rows as the values that pages are given. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from cplus.events.base import kept
from cplus.events.names import failed_message
from cplus.projections.base import Row
from cplus.projections.models.facts import BOUNCED_FOR_NOW, order
from cplus.projections.queries.views import (
    BillingAccount,
    Conversation,
    CustomerImport,
    DataRequest,
    Delivery,
    Erasure,
    FailedReply,
    FileView,
    Message,
    Notice,
    SetAside,
    Setup,
    Shop,
    Subscription,
    WaitingMail,
)
from cplus.projections.queries.visible import visible
from cplus.projections.rows import key_of


def _subject(row: Row) -> str | None:
    """Empty if there is nothing to see in it; None once it is erased."""
    subject = kept(row["subject"])
    return None if subject is None else visible(subject) or ""


def _scheduled_at(row: Row) -> datetime | None:
    waits = row.get("waits") or ()
    return waits[-1].get("at") if waits and row["last_from"] == "merchant" else None


def conversation_view(row: Row) -> Conversation:
    """The conversation of a row."""
    return Conversation(
        id=key_of(row),
        person=row["person"],
        # Of what came after the erasure, the subject alone tells.
        erased=row.get("erased", False) or kept(row["subject"]) is None,
        subject=_subject(row),
        channel=row["channel"],
        from_name=visible(row["from_name"]),
        from_address=visible(row["from_address"]),
        open=row["open"],
        unanswered=row["unanswered"],
        messages=row["messages"],
        snippet=kept(row["snippet"]),
        last_message_at=row["last_message_at"],
        last_from=row["last_from"],
        last_failed=row["last_failed"] and not _delayed(row),
        last_unproved=row.get("last_unproved", False),
        cc=tuple(row.get("cc", ())),
        started_at=row["started_at"],
        closed_at=row["closed_at"],
        spam=row.get("spam", False),
        merged_into=row.get("merged_into"),
        merged=tuple(row.get("merged", ())),
        split_from=row.get("split_from"),
        by_merchant=row.get("by") == "merchant",
        failed=_failed(row),
        last_delayed=_delayed(row),
        waiting_since=row.get("waiting_since") if row["unanswered"] else None,
        scheduled_at=_scheduled_at(row),
        has_files=row.get("has_files", False),
        assignee=row.get("assignee"),
        snoozed=row.get("snoozed", False) and row["open"],
        snoozed_until=row.get("snoozed_until"),
        snoozed_for_reply=row.get("snoozed_for_reply", False),
        tags=tuple(row.get("tags", ())),
        priority=row.get("priority", "normal"),
        mentions=row.get("mentions") or {},
    )


def _failed(row: Row) -> Sequence[FailedReply]:
    found = row.get("failed")
    if not found:
        return ()
    return [
        FailedReply(id_, failed_message(id_), one["address"], one["reason"], one["at"])
        for id_, one in found.items()
    ]


def _delayed(row: Row) -> bool:
    """Whether the last mail came back for now, and may still arrive."""
    last = row["last_mail"]
    return bool(row["last_failed"] and last and last["rank"] == BOUNCED_FOR_NOW)


def message_view(row: Row) -> Message:
    """The message of a row that has its place in a thread."""
    return Message(
        id=key_of(row),
        conversation_id=row["conversation_id"],
        number=row["number"],
        moved_from=row.get("moved_from"),
        direction=row["direction"],
        text=kept(row["text"]),
        subject=_subject(row),
        at=row["at"],
        from_name=visible(row["from_name"]),
        from_address=visible(row["from_address"]),
        sent_from=row.get("sent_from"),
        proved=row.get("proved"),
        author=row["author"],
        mentions=tuple(row.get("mentions", ())),
        to_address=row["to_address"],
        cc=tuple(row.get("cc", ())),
        bcc=tuple(row.get("bcc", ())),
        send_at=row.get("send_at"),
        automatic=row["automatic"],
        attachments=row["attachments"],
        files=_files(row),
        shortened=row.get("shortened"),
        formatted_lines=row.get("formatted_lines"),
        virus=row.get("virus", False),
        status=row.get("status"),
        reason=row.get("reason"),
        status_at=row.get("status_at"),
        ses_message_id=row.get("ses_message_id"),
        fallback=row.get("fallback"),
    )


def _files(row: Row) -> list[FileView] | None:
    files = row.get("files")
    return None if files is None else [FileView(**one) for one in files]


def delivery_view(row: Row) -> Delivery:
    """The delivery of a row that has a state."""
    return Delivery(
        message_id=key_of(row),
        conversation_id=row["conversation_id"],
        person=row["person"],
        status=row["status"],
        state=row["state"],
        reason=row["reason"],
        written_at=row["written_at"],
        sent_at=row["sent_at"],
        delivered_at=row["delivered_at"],
        bounced_for_now_at=row["bounced_for_now_at"],
        bounced_at=row["bounced_at"],
        complained_at=row["complained_at"],
        rejected_at=row["rejected_at"],
        ses_message_id=row["ses_message_id"],
    )


def set_aside_view(row: Row) -> SetAside:
    """The mail of a row."""
    return SetAside(
        message_id=key_of(row),
        person=row["person"],
        reason=row["reason"],
        from_name=visible(row["from_name"]),
        from_address=visible(row["from_address"]),
        proved=row["proved"],
        subject=_subject(row),
        snippet=kept(row["snippet"]),
        at=row["at"],
        conversation_id=row["conversation_id"],
    )


def data_request_view(row: Row) -> DataRequest:
    """The request of a row."""
    return DataRequest(
        id=int(key_of(row)),
        person=row["person"],
        shopify_customer_id=row["shopify_customer_id"],
        email=visible(row["email"]),
        phone=visible(row["phone"]),
        at=row["at"],
        due_at=row["due_at"],
        exported_at=row["exported_at"],
        exported_by=row["exported_by"],
        erased=row.get("erased", False),
        notice=_notice(row.get("notices", {})),
    )


def _notice(notices: Mapping[str, Row]) -> Notice | None:
    """The last one; rows from before there were notices have none."""
    for kind in ("last", "reminder", "first"):
        if kind in notices:
            told = notices[kind]
            at = told["status_at"] or told["requested_at"]
            return Notice(kind, told["status"], at, told["reason"])
    return None


def erasure_view(row: Row) -> Erasure:
    """The erasure of a row."""
    names = [field.name for field in fields(Erasure) if field.name != "id"]
    return Erasure(id=key_of(row), **{name: row[name] for name in names})


def subscription_view(row: Row) -> Subscription:
    """The subscription of a row."""
    return Subscription(
        id=key_of(row),
        name=row["name"],
        status=row["status"],
        price=row["price"],
        capped_amount=row["capped_amount"],
        currency=row["currency"],
        interval=row["interval"],
        plan=row["plan"],
        created_at=row["created_at"],
        changed_at=row["at"],
    )


def account_view(row: Row) -> BillingAccount:
    """The billing account of a row."""
    return BillingAccount(row["plan"], row["conversations"], row["reached"])


def import_view(row: Row) -> CustomerImport:
    """The import of a row `import/<id>`."""
    end = row["end"]
    return CustomerImport(
        id=key_of(row).removeprefix("import/"),
        started_at=row["started_at"],
        pages=row["pages"],
        customers=row["customers"],
        skipped=row.get("skipped", 0),
        total=row.get("total"),
        awaits_list=not end and row.get("bulk", False) and not row["pages"],
        orders=row.get("orders"),
        orders_skipped=row.get("orders_skipped", 0),
        outcome=end["outcome"] if end else None,
        orders_outcome=end.get("orders") if end else None,
        ended_at=end["at"] if end else None,
    )


def setup_view(row: Row) -> Setup:
    """What the row `setup` says, which may be empty."""
    test, received, guide = row.get("test"), row.get("received"), row.get("guide")
    return Setup(
        code=test["code"] if test else None,
        announced_at=test["at"] if test else None,
        received_at=received["at"] if received else None,
        shown=guide["shown"] if guide else True,
        shown_by=guide["actor"] if guide else None,
        shown_at=guide["at"] if guide else None,
    )


def _scopes(installation: Row, changed: Row | None) -> Sequence[str]:
    """What is granted: at the installation, or by the newest change since."""
    if not installation["installed"] or changed is None or order(changed) < order(installation):
        return tuple(installation["scopes"])
    return tuple(changed["scopes"])


def shop_view(host: str, row: Row, last_import: CustomerImport | None, setup: Setup) -> Shop:
    """The shop of the row `shop`, which may be empty."""
    installation = row.get("installation") or {"installed": False, "scopes": [], "at": None}
    profile = row.get("profile") or {}
    installed = installation["installed"]
    return Shop(
        host=host,
        installed=installed,
        installed_at=installation["at"] if installed else None,
        uninstalled_at=None if installed else installation["at"],
        scopes=_scopes(installation, row.get("granted")),
        name=visible(profile.get("name")),
        currency=profile.get("currency"),
        timezone=profile.get("timezone"),
        shopify_plan=profile.get("shopify_plan"),
        country=profile.get("country"),
        last_import=last_import,
        setup=setup,
    )


def waiting_mail_view(row: Row, since: datetime) -> WaitingMail:
    """Of the row `sending`; a limit that was reached before `since` says nothing any more."""
    paused, limited = row.get("paused") or {}, row.get("limited") or {}
    if limited and limited["at"] < since:
        limited = {}
    return WaitingMail(
        shop=row["shop"],
        paused_since=paused.get("since"),
        by_operator=paused.get("by_operator", False),
        cause=paused.get("cause", ""),
        limited_at=limited.get("at"),
        limit_of=limited.get("of", ""),
        limit=limited.get("limit", 0),
    )
