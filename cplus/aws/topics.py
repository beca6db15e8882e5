"""What is published to a topic."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TopicMessage:
    """A message for a topic's subscribers."""

    group: str
    body: Mapping[str, Any]
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Words by which a subscription may filter, at least one in each attribute."""

    def entry(self) -> dict[str, Any]:
        """As SNS takes it.

        Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html.
        """
        entry: dict[str, Any] = {"Message": json.dumps(self.body), "MessageGroupId": self.group}
        if self.attributes:
            entry["MessageAttributes"] = {
                name: {"DataType": "String.Array", "StringValue": json.dumps(list(words))}
                for name, words in self.attributes.items()
            }
        return entry
