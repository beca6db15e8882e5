"""Erases persons: everything that is kept about them, in steps each of which can be repeated."""

from cplus.privacy.erasing.asking import DONE_WITHIN, Asked, ask, asked_before
from cplus.privacy.erasing.folded import Behind, RowsBehind, patient
from cplus.privacy.erasing.listing import NAMES_AT_ONCE, list_held
from cplus.privacy.erasing.procedure import STEPS, Erasing, ErasureOvertaken, erase
from cplus.privacy.erasing.ways_out import Directory, Drafts, Ledger, Objects

__all__ = [
    "DONE_WITHIN",
    "NAMES_AT_ONCE",
    "STEPS",
    "Asked",
    "Behind",
    "Directory",
    "Drafts",
    "Erasing",
    "ErasureOvertaken",
    "Ledger",
    "Objects",
    "RowsBehind",
    "ask",
    "asked_before",
    "erase",
    "list_held",
    "patient",
]
