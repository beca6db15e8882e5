"""Searching: what may be asked, and how the words of an answer are marked."""

from cplus.projections.queries.search.marks import Marked, beginning_at_match, marked
from cplus.projections.queries.search.queries import SearchFilter, SearchQueries

__all__ = ["Marked", "SearchFilter", "SearchQueries", "beginning_at_match", "marked"]
