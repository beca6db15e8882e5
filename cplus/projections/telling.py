"""The address at which one release of this code asks another for the rows that it makes.

`python -m cplus.projections.telling` is part of the protocol between releases, like a stored name:
it stays where it is, so that `cplus prove --against` works with releases from before and after
any move of modules. The protocol itself is in `cplus/projections/checks/release_rows.py`.
"""

from __future__ import annotations

from cplus.projections.checks.release_rows import main

if __name__ == "__main__":
    main()
