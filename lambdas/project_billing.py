"""The function `project-billing`: folds the read models of the shop itself."""

from __future__ import annotations

from cplus.bootstrap import projector
from cplus.projections.groups import PROJECT_BILLING

handler = projector(PROJECT_BILLING)
