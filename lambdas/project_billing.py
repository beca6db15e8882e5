"""The function `project-billing`: folds billing, shops and metrics."""

from __future__ import annotations

from cplus.bootstrap import projector
from cplus.projections.groups import PROJECT_BILLING

handler = projector(PROJECT_BILLING)
