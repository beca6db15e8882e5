"""The function `project-conversations`: folds the read models of conversations and mail."""

from __future__ import annotations

from cplus.bootstrap import projector
from cplus.projections.groups import PROJECT_CONVERSATIONS

handler = projector(PROJECT_CONVERSATIONS)
