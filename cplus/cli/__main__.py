"""`python -m cplus.cli`: the command `cplus`, for when its script is not on PATH."""

from cplus.cli import main

main()
