"""Searching: what may be asked, and how the words of an answer are marked."""

from cplus.projections.queries.search.marks import Marked, beginning_at_match, marked
from cplus.projections.queries.search.people import PeopleQueries
from cplus.projections.queries.search.queries import SearchQueries, headings_of

__all__ = [
    "Marked",
    "PeopleQueries",
    "SearchQueries",
    "beginning_at_match",
    "headings_of",
    "marked",
]
