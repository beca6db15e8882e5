"""The names in the log never change: what was stored once is looked for by the same letters."""

from __future__ import annotations

import inspect

import pytest

from cplus.events import names
from tests.conftest import ROOT

STORED = {
    "conversation_stream": (("7d2k",), "conversation/7d2k"),
    "person": (("q5xe",), "person/q5xe"),
    "customer_stream": ((706405506930370084,), "customer/706405506930370084"),
    "order_stream": ((450789469,), "order/450789469"),
    "shop_stream": (("acorn.myshopify.com",), "shop/acorn.myshopify.com"),
    "mailbox_failed_claim": (("m1",), "mailbox-failed/m1"),
    "mailboxes_ended_claim": (("c1/0",), "mailboxes-ended/c1/0"),
    "mailboxes_stream": (("acorn.myshopify.com",), "mailboxes/acorn.myshopify.com"),
    "setup_stream": (("acorn.myshopify.com",), "setup/acorn.myshopify.com"),
    "settings_stream": (("acorn.myshopify.com",), "settings/acorn.myshopify.com"),
    "segments_stream": (("acorn.myshopify.com",), "segments/acorn.myshopify.com"),
    "saved_replies_stream": (("acorn.myshopify.com",), "saved_replies/acorn.myshopify.com"),
    "team_stream": (("acorn.myshopify.com",), "team/acorn.myshopify.com"),
    "auto_reply_ref": (("person/q5xe",), "auto-reply/q5xe"),
    "auto_replies_ref": (("2026-12-01T09",), "auto-replies/2026-12-01T09"),
    "notifications_ref": (("2026-12-01T09",), "notifications/2026-12-01T09"),
    "begun_ref": (("2026-12-01T09",), "begun/2026-12-01T09"),
    "billing_stream": (("acorn.myshopify.com",), "billing/acorn.myshopify.com"),
    "import_stream": (("k3-0",), "import/k3-0"),
    "mail_stream": (("m1",), "mail/m1"),
    "contact_sequence": (("person/q5xe",), "contact/q5xe"),
    "received_sequence": (("abcd",), "received/abcd"),
    "version_claim": (("conversation/7d2k", 7), "conversation/7d2k@0000000007"),
    "webhook_claim": (("orders/create", "b54557e4"), "webhook/orders/create/b54557e4"),
    "translated_again_claim": (
        ("webhook/orders/create/b54557e4",),
        "again/webhook/orders/create/b54557e4",
    ),
    "received_mail_claim": (("0100-ses",), "mail/0100-ses"),
    "install_claim": (
        ("code",),
        "install/5694d08a2e53ffcae0c3103e5ad6f6076abd960eb1f8a56577040bc1028f702b",
    ),
    "import_page_claim": (("k3-0", 2), "import/k3-0/2"),
    "reconciliation_claim": (
        ("2026-11-20", "orders", 7),
        "reconciliation/2026-11-20/orders/7",
    ),
    "reconciled_claim": (("2026-11-20",), "reconciliation/2026-11-20"),
    "taken_up_claim": (("m1",), "taken-up/m1"),
    "reply_claim": (("f1",), "reply/f1"),
    "command_claim": (("f1",), "command/f1"),
    "sent_claim": (("m1", "0100-ses"), "sent/m1/0100-ses"),
    "rejected_claim": (("m1",), "rejected/m1"),
    "mail_event_claim": (("m1", "bounce", "fb1"), "mail-event/m1/bounce/fb1"),
    "mail_claim": (("notification", "m1"), "mail/notification/m1"),
    "notice_claim": ((9999, "reminder"), "notice/9999/reminder"),
    "counted_claim": (("k3/0",), "counted/k3/0"),
    "erasure_stream": (("e1",), "erasure/e1"),
    "data_request_stream": ((9999,), "data-request/9999"),
    "erasing_person": (("e1",), "person/erasuree1"),
    "asking_person": ((9999,), "person/request9999"),
    "export_claim": (("k3m9",), "export/k3m9"),
    "addresses_stream": (("person/q5xe",), "addresses/q5xe"),
    "merge_stream": (("person/q5xe", "person/a1"), "merge/a1+q5xe"),
    "notes_stream": (("person/q5xe",), "notes/q5xe"),
    "tags_stream": (("person/q5xe",), "tags/q5xe"),
    "look_stream": (("k3m9",), "look/k3m9"),
    "look_claim": (("k3m9",), "look/k3m9"),
    "erasure_claim": (("e1", "erased-1"), "erasure/e1/erased-1"),
    "correlation_ref": (("c1",), "correlation/c1"),
    "delivery_ref": (("d1",), "delivery/d1"),
    "bulk_operation_ref": (("gid://shopify/BulkOperation/9",), "bulk-operation/9"),
    "mail_test_ref": (("k3m9",), "mail-test/k3m9"),
    "message_ref": (("m1",), "message/m1"),
    "withdrawn_claim": (("m1",), "withdrawn/m1"),
    "woken_claim": (("c1", "7"), "woken/c1/7"),
    "started_ref": (("2026-11",), "started/2026-11"),
    "blocked_stream": (("acorn.myshopify.com",), "blocked/acorn.myshopify.com"),
    "given_back_ref": (("2026-11",), "given-back/2026-11"),
    "rfc_ref": (("abcd",), "rfc/abcd"),
}
READ = {
    "erasure_of_webhook": (
        ("customers/redact", "b54557e4"),
        "935e89e112c10ccee59391e818a76a82",
    ),
    "install_import": (("k3/0",), "k3-0"),
    "is_conversation": (("conversation/7d2k@0000000007",), True),
    "person_id": (("person/q5xe",), "q5xe"),
    "is_person": (("person/q5xe",), True),
    "conversation_id": (("conversation/7d2k",), "7d2k"),
    "claimed_stream": (("conversation/7d2k@0000000007",), "conversation/7d2k"),
    "is_received": (("received/abcd@0000000001",), True),
    "about_refs": (
        ({"conversation": "7d2k", "message": "m1"},),
        ["conversation/7d2k", "message/m1"],
    ),
    "failure_id": (("m1", 2), "m1~2"),
    "failed_message": (("m1~2",), "m1"),
    "import_page": (("import/k3-0/2",), 2),
    "import_of_page": (("import/k3-0/2",), "k3-0"),
}


@pytest.mark.parametrize("function", [*STORED, *READ])
def test_a_stored_name_is_spelled_as_it_was_from_the_first_day(function: str) -> None:
    given, expected = {**STORED, **READ}[function]
    assert getattr(names, function)(*given) == expected


def test_no_name_is_left_out_here_or_in_the_docs() -> None:
    made = {
        name
        for name, function in inspect.getmembers(names, inspect.isfunction)
        if function.__module__ == names.__name__
    }
    assert made == STORED.keys() | READ.keys()
    page = (ROOT / "docs" / "log.md").read_text("utf-8")
    kinds = {spelled.partition("/")[0] for _, spelled in STORED.values()}
    missing = [kind for kind in sorted(kinds) if f"`{kind}/" not in page]
    assert not missing, f"name in docs/log.md: {missing}"
    assert f"`{names.INSTALLED_REF}`" in page
