"""`python -m cplus.cli`: the command `cplus`, where its script is not on PATH."""

from cplus.cli import main

main()
