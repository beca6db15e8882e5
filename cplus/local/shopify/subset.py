"""Extracts the part of Shopify's real schema that this app's queries use.

`python -m cplus.local.shopify.subset node_modules/@shopify/dev-mcp/dist/data/admin_2026-10.json.gz`
writes `admin_api/admin_2026-10.graphql`; given `partner_2026-07.json.gz` of the same folder, it
writes what the local Partner API serves, `billing/partner_2026-07.graphql`. The real schemas come
with the npm package @shopify/dev-mcp (ISC licence).
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_named_type,
    parse,
    visit,
)

from cplus.local.shopify.admin_api.graphql_api import SDL
from cplus.local.shopify.billing import partner
from cplus.shopify import documents

BUILT_IN = frozenset({"String", "Int", "Float", "Boolean", "ID"})


def real_schema(path: Path) -> GraphQLSchema:
    """Shopify's schema from the gzipped introspection JSON of @shopify/dev-mcp."""
    answer = json.loads(gzip.decompress(path.read_bytes()))
    # Without assume_valid it would be refused: Shopify deprecates a required argument.
    return build_client_schema(answer["data"], assume_valid=True)


def app_documents() -> dict[str, str]:
    """Every GraphQL document of this app, by name."""
    found = vars(documents).items()
    return {
        name: text
        for name, text in found
        if name[0].isupper() and name.isupper() and isinstance(text, str)
    }


def subset(schema: GraphQLSchema, texts: Iterable[str]) -> str:
    """The types, fields and arguments that the documents use, as SDL."""
    used: dict[str, dict[str, set[str]]] = {}
    for text in texts:
        info = TypeInfo(schema)
        visit(parse(text), TypeInfoVisitor(info, _Collector(info, used)))
    roots = {"query": schema.query_type, "mutation": schema.mutation_type}
    served = {kind: root.name for kind, root in roots.items() if root and root.name in used}
    leaves: dict[str, GraphQLNamedType] = {}
    objects = [_object(schema, name, used, leaves) for name in sorted(used)]
    lines = "".join(f"  {kind}: {name}\n" for kind, name in served.items())
    parts = [f"schema {{\n{lines}}}", *objects]
    parts += [_leaf(leaves[name]) for name in sorted(leaves)]
    return "\n\n".join(part for part in parts if part) + "\n"


class _Collector(Visitor):
    def __init__(self, info: TypeInfo, used: dict[str, dict[str, set[str]]]) -> None:
        super().__init__()
        self._info = info
        self._used = used

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent = self._info.get_parent_type()
        if parent is None or self._info.get_field_def() is None:
            raise ValueError(f"the schema has no field {node.name.value} here")
        arguments = self._used.setdefault(parent.name, {}).setdefault(node.name.value, set())
        arguments.update(argument.name.value for argument in node.arguments or ())

    def enter_inline_fragment(self, *_: object) -> None:
        # It is asked of an interface: whoever implements that has all of its fields.
        asked, named = self._info.get_parent_type(), self._info.get_type()
        if isinstance(asked, GraphQLInterfaceType) and isinstance(named, GraphQLObjectType):
            for field in asked.fields:
                self._used.setdefault(asked.name, {})[field] = set()
                self._used.setdefault(named.name, {}).setdefault(field, set())


def _object(
    schema: GraphQLSchema,
    name: str,
    used: dict[str, dict[str, set[str]]],
    leaves: dict[str, GraphQLNamedType],
) -> str:
    kind, fields = schema.type_map[name], used[name]
    if isinstance(kind, GraphQLInterfaceType):
        head = f"interface {name}"
    elif isinstance(kind, GraphQLObjectType):
        served = [
            one.name for one in kind.interfaces if used.get(one.name, {}).keys() <= fields.keys()
        ]
        implements = " & ".join(one for one in served if one in used)
        head = f"type {name}" + (f" implements {implements}" if implements else "")
    else:
        raise TypeError(f"{name} is neither an object type nor an interface")
    lines = []
    for field_name in sorted(fields):
        field, arguments = kind.fields[field_name], sorted(fields[field_name])
        given = ", ".join(f"{one}: {field.args[one].type}" for one in arguments)
        lines.append(f"  {field_name}{f'({given})' if given else ''}: {field.type}")
        for kind_used in (field.type, *(field.args[one].type for one in arguments)):
            named = get_named_type(kind_used)
            if isinstance(named, (GraphQLScalarType, GraphQLEnumType)):
                leaves[named.name] = named
    return f"{head} {{\n" + "\n".join(lines) + "\n}"


def _leaf(kind: GraphQLNamedType) -> str:
    if isinstance(kind, GraphQLEnumType):
        return f"enum {kind.name} {{\n" + "".join(f"  {one}\n" for one in kind.values) + "}"
    return "" if kind.name in BUILT_IN else f"scalar {kind.name}"


def main(arguments: list[str]) -> None:
    """Writes the subset of the schema in the file given as the only argument."""
    if len(arguments) != 1:
        sys.exit("usage: python -m cplus.local.shopify.subset PATH/admin_2026-10.json.gz")
    of_partner = Path(arguments[0]).name.startswith("partner_")
    file = partner.SDL if of_partner else SDL
    documents_of = [partner.ACTIVE_SUBSCRIPTION] if of_partner else app_documents().values()
    file.write_text(subset(real_schema(Path(arguments[0])), documents_of), encoding="utf-8")
    print(f"wrote {file}")


if __name__ == "__main__":
    main(sys.argv[1:])
