"""The functions of CloudFormation that the local stack understands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

try:  # the same, six times as fast, where PyYAML was built with libyaml
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

from cplus.errors import NotUnderstood

_SUB = re.compile(r"\$\{(!?[A-Za-z0-9:._]+)\}")


class _Loader(SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref X` is `{Ref: X}`."""


def _short(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if suffix == "Ref":
        return {"Ref": value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short)


def load(path: Path) -> dict[str, Any]:
    """The YAML file as plain data, short forms of functions written out."""
    # A subclass of SafeLoader, so it only makes plain data.
    document = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506
    if not isinstance(document, dict):
        raise NotUnderstood(place=str(path), what="a file that is not a mapping")
    return document


@dataclass(frozen=True)
class Names:
    """The values of a template's names, for Ref, Fn::GetAtt and Fn::ImportValue."""

    account: str
    region: str
    refs: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    imports: Mapping[str, str] = field(default_factory=dict)

    def ref(self, name: str, place: str) -> str:
        """The value of `Ref: name`."""
        pseudo = {
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }
        for known in (pseudo, self.refs):
            if name in known:
                return known[name]
        raise NotUnderstood(place=place, what=f"Ref to {name!r}")

    def attribute(self, name: str, place: str) -> str:
        """The value of `Fn::GetAtt: [Resource, Attribute]`; `name` is Resource.Attribute."""
        if name in self.attributes:
            return self.attributes[name]
        raise NotUnderstood(place=place, what=f"Fn::GetAtt of {name!r}")

    def resolve(self, value: Any, place: str) -> Any:
        """`value` with all its functions resolved; raises NotUnderstood with the place."""
        if isinstance(value, list):
            return [self.resolve(inner, f"{place}[{i}]") for i, inner in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((key, argument),) = value.items()
            if key == "Ref" or str(key).startswith("Fn::"):
                return self._function(str(key), argument, f"{place}.{key}")
        return {key: self.resolve(inner, f"{place}.{key}") for key, inner in value.items()}

    def _function(self, name: str, argument: Any, place: str) -> Any:
        if name == "Ref" and isinstance(argument, str):
            return self.ref(argument, place)
        if name == "Fn::GetAtt":
            parts = argument if isinstance(argument, list) else [argument]
            return self.attribute(".".join(str(part) for part in parts), place)
        if name == "Fn::ImportValue":
            wanted = self.resolve(argument, place)
            if wanted in self.imports:
                return self.imports[wanted]
            raise NotUnderstood(place=place, what=f"{wanted!r}, which nothing exports,")
        if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
            parts = self.resolve(argument[1], place)
            if isinstance(parts, list):
                return str(argument[0]).join(str(part) for part in parts)
        if name == "Fn::Sub":
            return self._sub(argument, place)
        raise NotUnderstood(place=place, what=f"{name} of {argument!r}")

    def _sub(self, argument: Any, place: str) -> str:
        text, given = argument if isinstance(argument, list) else (argument, {})
        given = self.resolve(given, place)

        def part(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in given:
                return str(given[name])
            return self.attribute(name, place) if "." in name else self.ref(name, place)

        return _SUB.sub(part, text)
