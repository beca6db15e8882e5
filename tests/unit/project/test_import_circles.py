"""No module imports, by whatever way round, a module that imports it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import grimp


def circles(imports: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The groups of two modules or more of which each imports all others, directly or not:
    the strongly connected components, by the algorithm of Tarjan (1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        path.append(module)
        for imported in sorted(imports.get(module, ())):
            if imported not in number:
                visit(imported)
            if imported in path:
                lowest[module] = min(lowest[module], lowest[imported])
        if lowest[module] == number[module]:
            start = path.index(module)
            if len(path) - start > 1:
                found.append(sorted(path[start:]))
            del path[start:]

    for module in sorted(imports):
        if module not in number:
            visit(module)
    return found


def test_a_circle_is_found_however_long_it_is() -> None:
    straight = {"top": ["a", "b"], "a": ["b"], "b": ["c"], "c": []}
    assert circles(straight) == []
    assert circles({**straight, "c": ["a"]}) == [["a", "b", "c"]]
    assert circles({**straight, "c": ["b"], "d": ["e"], "e": ["d"]}) == [["b", "c"], ["d", "e"]]


def test_no_modules_import_each_other_in_a_circle() -> None:
    # Imports inside functions and those for type checkers count as well.
    graph = grimp.build_graph(
        "cplus", "lambdas", exclude_type_checking_imports=False, cache_dir=None
    )
    assert len(graph.modules) > 200
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert imports["cplus.bootstrap"]
    assert circles(imports) == []
