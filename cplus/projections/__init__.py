"""The read models: folded from the log, thrown away and folded again at will."""
