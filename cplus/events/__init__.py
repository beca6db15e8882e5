"""The log: one log of immutable commits per shop.

Nothing is imported here, so that a fold, which needs the catalogue only, loads no driver: take
each thing from the module that makes it. `base` and `catalogue` are the events, `names` what the
log stores them under, `store` the log itself, `reader` the way to its events, `outcomes` what an
append answers, `repository` the aggregates, `recording` the one way to write.
"""
