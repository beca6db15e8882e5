"""The function `project-customers`: folds customers and orders."""

from __future__ import annotations

from cplus.bootstrap import projector
from cplus.projections.groups import PROJECT_CUSTOMERS

handler = projector(PROJECT_CUSTOMERS)
