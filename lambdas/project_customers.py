"""The function `project-customers`: folds the read models of persons."""

from __future__ import annotations

from cplus.bootstrap import projector
from cplus.projections.groups import PROJECT_CUSTOMERS

handler = projector(PROJECT_CUSTOMERS)
