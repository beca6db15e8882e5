"""Demo traffic: real input, generated from a seed, with its expected results."""

from cplus.local.demo.drive import Drive
from cplus.local.demo.live import live
from cplus.local.demo.plan import Plan, Sizes
from cplus.local.demo.planning import make_plan
from cplus.local.demo.summary import Summary

__all__ = ["Drive", "Plan", "Sizes", "Summary", "live", "make_plan"]
