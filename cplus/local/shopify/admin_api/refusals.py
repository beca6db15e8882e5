"""What the local Admin API does not do, or not for this app."""

from __future__ import annotations

from graphql import GraphQLError


def refused(message: str, code: str) -> GraphQLError:
    """An error that says why, with its code."""
    return GraphQLError(message, extensions={"code": code})
