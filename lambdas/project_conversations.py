"""The function `project-conversations`: folds conversations and messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cplus.bootstrap import run
from cplus.projections.groups import PROJECT_CONVERSATIONS
from lambdas.projecting import project


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answers a batch of nudges with those that failed."""
    return run(project(event, context, PROJECT_CONVERSATIONS))
