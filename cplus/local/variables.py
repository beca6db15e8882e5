"""The variables of serverless.yml that the local stack understands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cplus.errors import NotUnderstood

_VARIABLE = re.compile(r"\$\{([^${}]*)\}")
_SOURCED = re.compile(r"^\s*([A-Za-z]+):(?!:)(.*)$", re.DOTALL)
_QUOTED = re.compile(r"^\s*(?:'([^']*)'|\"([^\"]*)\")\s*$")
_MISSING = object()
_DEEPEST = 20


@dataclass(frozen=True)
class Variables:
    """Resolves `${sls:stage}`, `${param:x}`, `${self:a.b}` and `${env:X, 'default'}`.

    Rules from the Serverless Framework, version 3: a value that is one variable keeps the
    variable's type, a variable inside a longer text becomes text; a stage's parameters override
    those of `default`. Raises NotUnderstood, with the place, for anything else.
    """

    document: Mapping[str, Any]
    stage: str
    env: Mapping[str, str]

    def resolve(self, value: Any, place: str = "", *, in_sub: bool = False, depth: int = 0) -> Any:
        """`value` with all its variables replaced; `in_sub` leaves CloudFormation's `${Name}`."""
        if isinstance(value, dict):
            return {
                key: self.resolve(
                    inner, f"{place}.{key}".lstrip("."), in_sub=key == "Fn::Sub", depth=depth
                )
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [
                self.resolve(inner, f"{place}[{i}]", in_sub=in_sub, depth=depth)
                for i, inner in enumerate(value)
            ]
        if isinstance(value, str) and "${" in value:
            return self._text(value, place, in_sub, depth)
        return value

    def _text(self, text: str, place: str, in_sub: bool, depth: int) -> Any:
        if depth > _DEEPEST:
            raise NotUnderstood(place=place, what=f"the circle of variables in {text!r}")
        if whole := _VARIABLE.fullmatch(text):
            return self._variable(whole[1], whole[0], place, in_sub, depth)

        def part(match: re.Match[str]) -> str:
            value = self._variable(match[1], match[0], place, in_sub, depth)
            if isinstance(value, dict | list) or value is None:
                raise NotUnderstood(place=place, what=f"{match[0]}, no text, inside a text")
            return str(value).lower() if isinstance(value, bool) else str(value)

        resolved = _VARIABLE.sub(part, text)
        if not in_sub and "${" in resolved:
            raise NotUnderstood(place=place, what=f"the variable in {text!r}")
        return resolved

    def _variable(self, inner: str, whole: str, place: str, in_sub: bool, depth: int) -> Any:
        if not (sourced := _SOURCED.match(inner)):
            if in_sub:
                return whole
            raise NotUnderstood(place=place, what=f"the variable {whole}")
        address, *fallback = sourced[2].split(",", 1)
        found = self._look_up(sourced[1], address.strip(), whole, place)
        if found is _MISSING:
            quoted = _QUOTED.match(fallback[0]) if fallback else None
            if not quoted:
                raise NotUnderstood(place=place, what=f"{whole}, which has no value,")
            return quoted[1] if quoted[1] is not None else quoted[2]
        return self.resolve(found, place, in_sub=in_sub, depth=depth + 1)

    def _look_up(self, source: str, address: str, whole: str, place: str) -> Any:
        if source == "sls" and address == "stage":
            return self.stage
        if source == "env":
            return self.env.get(address, _MISSING)
        if source == "param":
            params = self.document.get("params") or {}
            for stage in (self.stage, "default"):
                if address in (params.get(stage) or {}):
                    return params[stage][address]
            return _MISSING
        if source == "self" and address:
            found: Any = self.document
            for key in address.split("."):
                if not isinstance(found, dict) or key not in found:
                    return _MISSING
                found = found[key]
            return found
        raise NotUnderstood(place=place, what=f"the variable {whole}")
