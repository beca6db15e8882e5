"""What commands learn of a local stack from its file."""

from __future__ import annotations

import json
from pathlib import Path

from cplus.cli.connecting import settings_of
from cplus.consumers.reactions.registry import REACTIONS
from cplus.settings import Settings

KINDS = ("queue", "topic", "bucket")


def test_every_queue_topic_and_bucket_of_the_stack_is_a_setting_with_data(tmp_path: Path) -> None:
    info: dict[str, object] = {"mongo": "mongodb://localhost", "database": "cplus"}
    expected = dict[str, str]()
    for kind in KINDS:
        names = [name for name in Settings.model_fields if name.endswith(f"_{kind}")]
        expected |= {name: f"the {name}" for name in names}
        called = (name.removesuffix(f"_{kind}").replace("_", "-") for name in names)
        info[f"{kind}s"] = dict(zip(called, (expected[name] for name in names), strict=True))
    (tmp_path / "stack.json").write_text(json.dumps(info))
    settings = settings_of(tmp_path)
    assert {name: getattr(settings, name) for name in expected} == expected
    # So `cplus projections unpark --data` has what a reaction needs.
    assert {name for one in REACTIONS for name in one.needs} <= expected.keys()


def test_what_the_stack_does_not_have_is_not_set(tmp_path: Path) -> None:
    stack = {"mongo": "mongodb://localhost", "database": "cplus"}
    (tmp_path / "stack.json").write_text(json.dumps(stack))
    settings = settings_of(tmp_path)
    assert (settings.send_queue, settings.nudges_topic, settings.mail_bucket) == ("", "", "")


def test_with_data_the_stacks_own_shopify_is_asked_and_no_other(tmp_path: Path) -> None:
    stack = {"mongo": "mongodb://localhost", "database": "cplus"}
    own = {"shopify": "http://127.0.0.1:9", "client_id": "its id", "client_secret": "its secret"}
    (tmp_path / "stack.json").write_text(json.dumps({**stack, **own}))
    settings = settings_of(tmp_path)
    assert settings.shopify_origin == "http://127.0.0.1:9/{shop}"
    assert settings.shopify_client_id == "its id"
    assert settings.secret("shopify_client_secret") == "its secret"
