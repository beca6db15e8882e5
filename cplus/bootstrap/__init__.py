"""Puts the parts of functions and pages together: how each part is made, and from which others.

Each module is an area, and knows the areas before it: `base`, `people`, `shops`, `sending`,
`conversations`.

Three more places open a connection, because a process or a command starts there: commands
(`cplus/cli/connecting.py`), the worker processes of a rebuild
(`cplus/projections/generations/workers.py`), and the process that folds a release for `cplus prove`
(`cplus/projections/checks/release_rows.py`).
"""

from cplus.bootstrap.parts import Parts, ensure_indexes, projector
from cplus.bootstrap.shops import CREDENTIALS
from cplus.loop import event_loop, run

__all__ = [
    "CREDENTIALS",
    "Parts",
    "ensure_indexes",
    "event_loop",
    "projector",
    "run",
]
