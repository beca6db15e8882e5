"""What another release changes in the rows, and which of these differences are intended."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cplus.errors import CplusError

Kind = Literal["added", "removed", "differs", "parks", "goes_on", "dropped"]


class BadIntended(CplusError):
    """{path} is not a valid list of intended differences: {reason}."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the deployment would change. Names and no values: values may be about a person."""

    projection: str
    kind: Kind
    """`added` and `removed`: a row that one version only makes. `parks`: the new code cannot
    fold what the old one folds, `goes_on`: the other way round. `dropped`: the new code does not
    have this version of the projection."""
    shop: str = ""
    key: str = ""
    fields: Sequence[str] = ()
    reason: str = ""


class IntendedDifference(BaseModel):
    """A difference that is meant: an entry `[[meant]]` of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    projection: str
    reason: str = Field(min_length=1)
    change: Literal["differs", "added", "removed", "goes_on", "dropped"] = "differs"
    fields: tuple[str, ...] = ()
    """None: every field."""
    rows: str = "*"
    """Pattern of the rows' keys, as of file names."""
    shops: str = "*"

    def covers(self, change: Change) -> bool:
        """Whether the entry speaks of such a change, whatever its fields."""
        return (
            (self.projection, self.change) == (change.projection, change.kind)
            and fnmatchcase(change.key, self.rows)
            and fnmatchcase(change.shop, self.shops)
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    meant: tuple[IntendedDifference, ...] = ()


def read_intended(path: Path) -> tuple[IntendedDifference, ...]:
    """The entries of the file; raises BadIntended."""
    try:
        return _File.model_validate(tomllib.loads(path.read_text("utf-8"))).meant
    except ValidationError as error:
        raise BadIntended(path=path, reason=_in_words(error)) from None
    except FileNotFoundError:
        raise BadIntended(path=path, reason="there is no such file") from None
    except OSError as error:
        raise BadIntended(path=path, reason=f"it cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BadIntended(path=path, reason="it is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise BadIntended(path=path, reason=f"it is not valid TOML: {error}") from None


_WORDS = {
    "missing": "it lacks `{name}`",
    "extra_forbidden": "`{name}` is not allowed here",
    "model_type": "it is not a table that begins with [[meant]]",
    "string_too_short": "its `{name}` is empty",
    "tuple_type": "`{name}` must be a list",
}


def _in_words(error: ValidationError) -> str:
    """What is wrong first, and in which entry."""
    first = error.errors()[0]
    place, name = first["loc"], first["loc"][-1]
    wrong = first["msg"].replace("Input should be", f"its `{name}` must be")
    said = _WORDS.get(first["type"], wrong).format(name=name)
    entry = place[1] + 1 if len(place) > 1 and isinstance(place[1], int) else None
    return f"entry {entry}: {said}" if entry else said
