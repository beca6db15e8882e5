"""The function `project-conversations`: folds conversations, messages and deliveries."""

from __future__ import annotations

from cplus.bootstrap import projector
from cplus.projections.groups import PROJECT_CONVERSATIONS

handler = projector(PROJECT_CONVERSATIONS)
