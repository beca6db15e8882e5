"""The files of a message, as its event keeps them. No events."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StoredFile(BaseModel):
    """A file in a bucket, and what opens it. It stands only in personal fields, so that nobody can
    open the file once the person was erased."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """Unique in its message. Of mail that came in: the number of its part; of a file within another
    one (`winmail.dat`): both numbers, with a dot between."""
    name: str
    """Safe to show and to save under: never empty, no path, at most 200 characters."""
    content_type: str
    """By what it holds, if that can be told."""
    size: int
    """Bytes."""
    cid: str | None = None
    """The Content-ID by which the HTML of its mail names it."""
    inline: bool = False
    """Whether the HTML shows it in its place."""
    bucket: str
    key: str
    opens: str
    """The key of the sealed object, in Base64."""

    def __repr__(self) -> str:
        """Without the key and the name, which must not get into a log line."""
        return f"StoredFile({self.id!r}, {self.content_type!r}, {self.size} bytes)"
