"""The pages of docs/ name everything that there is, and nothing that there is not."""

from __future__ import annotations

import inspect
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
import pytest

from cplus.cli import main
from cplus.consumers.reactions.reaction import Reaction
from cplus.consumers.reactions.registry import REACTIONS
from cplus.events.base import AggregateEvent, Event
from cplus.events.catalogue import all_events
from cplus.projections.groups import (
    ALL,
    PROJECT_BILLING,
    PROJECT_CONVERSATIONS,
    PROJECT_CUSTOMERS,
)
from cplus.projections.queries import Queries
from cplus.settings import Settings
from tests.conftest import ROOT


def _rows(page: str) -> list[list[str]]:
    """The cells of each table row whose first cell is code."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    found = re.findall(r"^\| (`.+) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in found]


def _default(field: str) -> str:
    value = Settings.model_fields[field].default
    return "none" if value is None or value == "" else f"`{value}`"


def test_every_setting_stands_in_docs_with_its_variable_default_and_description() -> None:
    expected = [
        [f"`CPLUS_{name.upper()}`", _default(name), field.description]
        for name, field in Settings.model_fields.items()
    ]
    assert _rows("settings.md") == expected, "docs/settings.md"


def _fields(event: type[Event]) -> str:
    envelope = event.ENVELOPE_FIELDS if issubclass(event, AggregateEvent) else frozenset()
    fields = (
        f"`{name}`{' (personal)' if name in event.PERSONAL_FIELDS else ''}"
        for name in event.model_fields
        if name not in envelope
    )
    return ", ".join(fields) or "none"


def test_every_event_stands_in_docs_with_its_schema_version_and_fields() -> None:
    expected = {f"`{event.TYPE}`": [str(event.VERSION), _fields(event)] for event in all_events()}
    assert {row[0]: [row[1], row[3]] for row in _rows("events.md")} == expected, "docs/events.md"


def test_every_event_stands_in_docs_with_who_handles_it() -> None:
    readers = {projection.name: projection.handles for projection in ALL}
    readers |= {reaction.name: reaction.handles for reaction in REACTIONS}
    for row in _rows("events.md"):
        handling = [name for name, handles in readers.items() if row[0] in _types(handles)]
        expected = ", ".join(f"`{name}`" for name in handling) or "nobody"
        assert row[4:] == [expected], f"docs/events.md: {row[0]}"


def test_every_reaction_stands_in_docs_with_its_events_needs_and_file() -> None:
    told = {
        row[0]: (set(row[1].split(", ")), row[3], row[4])
        for row in _rows("functions.md")
        if row[0].startswith("`react-")
    }
    files = {one.name: Path(inspect.getfile(one.hand_out)).name for one in REACTIONS}
    assert told == {
        f"`{one.name}`": (_types(one.handles), _needs(one), f"`{files[one.name]}`")
        for one in REACTIONS
    }, "docs/functions.md#reactions"


def _needs(reaction: Reaction) -> str:
    return ", ".join(f"`CPLUS_{name.upper()}`" for name in reaction.needs) or "nothing"


def _types(events: Iterable[type[Event]]) -> set[str]:
    return {f"`{event.TYPE}`" for event in events}


def _questions() -> dict[str, str]:
    """Each question that can be asked of the read models, by its name, as it is called."""
    return {
        name: f"`{name}{_parameters(method)}`"
        for name, method in inspect.getmembers(Queries, inspect.isfunction)
        if not name.startswith("_")
    }


def _parameters(method: Callable[..., object]) -> str:
    _self, *parameters = inspect.signature(method).parameters.values()
    plain = [one.replace(annotation=inspect.Parameter.empty) for one in parameters]
    return str(inspect.Signature(plain)).replace("'", '"')


def test_every_question_stands_in_docs_with_its_parameters_and_no_other() -> None:
    told = [row[0] for row in _rows("read-models.md") if re.match(r"`\w+\(", row[0])]
    assert sorted(told) == sorted(_questions().values()), "docs/read-models.md#questions"


def _asked_by(method: str) -> set[str]:
    """The names that a method of Queries uses, and those that it calls use."""
    names = set(getattr(Queries, method).__code__.co_names)
    methods = inspect.getmembers(Queries, inspect.isfunction)
    own = {name for name, _ in methods if name in names}
    return names.union(*map(_asked_by, own - {method}))


def test_every_projection_stands_in_docs_with_the_questions_that_ask_it() -> None:
    told = {row[0]: set(row[3].split(", ")) for row in _rows("read-models.md") if len(row) == 4}
    expected = {f"`{one.name}`": _asking(one.name) for one in ALL}
    assert told == expected, "docs/read-models.md"


def _asking(projection: str) -> set[str]:
    """The last cell of a read model, which is there before the first question about it."""
    asking = (name for name in _questions() if projection.upper() in _asked_by(name))
    return {f"`{name}`" for name in asking} or {"nobody"}


def test_a_read_model_may_be_deployed_before_anybody_asks_it() -> None:
    assert _asking("deliveries") == {"`deliveries`"}
    assert _asking("not_asked_yet") == {"nobody"}
    # What the page of a new read model says to write meanwhile.
    page = (ROOT / "docs" / "how-to" / "new-read-model.md").read_text("utf-8")
    assert "`nobody`" in page


def test_every_projection_stands_in_docs_with_the_function_that_folds_it() -> None:
    groups = {
        "project-conversations": PROJECT_CONVERSATIONS,
        "project-customers": PROJECT_CUSTOMERS,
        "project-billing": PROJECT_BILLING,
    }
    told = {row[0]: row[2] for row in _rows("read-models.md") if len(row) == 4}
    expected = {f"`{one.name}`": f"`{name}`" for name, group in groups.items() for one in group}
    assert told == expected, "docs/read-models.md"


_REGISTRIES = ("cplus/consumers/reactions/registry.py", "cplus/projections/groups.py")


def test_a_page_that_registers_something_stays_true_when_another_is_registered() -> None:
    block = re.compile(r"^```diff\n--- (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    pages = (ROOT / "docs" / "how-to").glob("*.md")
    blocks = [one for page in pages for one in block.findall(page.read_text("utf-8"))]
    lists = [(path, diff) for path, diff in blocks if path in _REGISTRIES]
    assert {path for path, _ in lists} == set(_REGISTRIES)
    for path, diff in lists:
        kept = [line for line in diff.splitlines() if line[:1] != "+"]
        # Between two lines another may come to stand, and a list that is replaced grows.
        assert [line[:1] for line in kept] == [" "], f"{path}: add lines at one line:\n{diff}"


def test_every_file_of_the_read_models_stands_in_docs() -> None:
    told = {row[0].strip("`") for row in _rows("read-models.md") if row[0].endswith(".py`")}
    there = set()
    for room in ("projections", "subscriptions"):
        for path in (ROOT / "cplus" / room).rglob("[!_]*.py"):
            there.add(path.relative_to(ROOT / "cplus").as_posix())
    models = {f"projections/models/{projection.name}.py" for projection in ALL}
    # Those are told in the table of the read models.
    assert told == there - models, "docs/read-models.md#the-files"


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _commands(child, f"{path} {name}")
    else:
        yield path, command


def test_every_command_stands_in_docs_with_its_options_and_no_other() -> None:
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    section = re.compile(r"^## `(cplus[\w -]*)`\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    sections = dict(section.findall(page))
    commands = dict(_commands(main, "cplus"))
    assert sorted(sections) == sorted(commands), "docs/cli.md"
    for path, command in commands.items():
        given = {
            option
            for parameter in command.params
            if not getattr(parameter, "hidden", False)
            for option in [*parameter.opts, *parameter.secondary_opts]
            if option.startswith("--")
        }
        told = set(re.findall(r"^\| `(--[\w-]+)", sections[path], re.MULTILINE))
        assert told == given, f"docs/cli.md: {path}"


def _tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout here: nothing says which files belong to the project")
    command = ["git", "ls-files", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    return [path for name in names if name and (path := ROOT / name.decode()).is_file()]


# Split, so that this file does not name what it looks for.
FORBIDDEN = {
    "the home of a user": r"(?<![\w.])/(?:home|Users)/[a-z]\w+/|(?<![\w.])/ro" + "ot/",
    "the host of a package registry": "|".join(
        ["pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.(?:org|com)", "yarn" + r"pkg\.com"]
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_of_the_project_names(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = []
    for path in _tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert not found


_ADDRESS = re.compile(r"(?<![\w:/])[\w.+-]+@((?:[\w-]+\.)+[a-z]{2,})\b", re.IGNORECASE)
_NOBODYS = re.compile(
    r"(?:.*\.)?(?:example(?:\.com|\.net|\.org)?|(?:my)?shopify\.com|amazonses\.com)"
)
"""Domains that are kept for examples (RFC 2606), and of the machines that mail comes from."""


def test_people_in_the_files_have_addresses_that_nobody_has() -> None:
    found = set()
    for path in _tracked():
        if path.suffix in {".py", ".md", ".eml", ".json", ".html", ".toml", ".yml"}:
            domains = _ADDRESS.findall(path.read_text("utf-8", errors="ignore"))
            found |= {(path.name, one) for one in domains}
    assert len(found) > 100
    assert [one for one in sorted(found) if not _NOBODYS.fullmatch(one[1].lower())] == []


@pytest.mark.parametrize("page", [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"])
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} -> {target}"


def _terms() -> dict[str, list[str]]:
    """The meaning and the example of each term of the glossary."""
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", text, re.MULTILINE)
    terms = {term: cells.split(" | ") for term, cells in rows}
    assert len(terms) == len(rows), "a term is listed twice"
    return terms


def test_every_term_of_the_glossary_has_a_meaning_and_one_example() -> None:
    assert [term for term, cells in _terms().items() if len(cells) != 2 or not all(cells)] == []


def _emphasised() -> set[str]:
    """The terms that the pages introduce in bold."""
    sections = {"README.md": "What happens", "docs/log.md": "Words", "docs/map.md": "The data"}
    found: set[str] = set()
    for page, heading in sections.items():
        text = (ROOT / page).read_text("utf-8")
        _, _, section = text.partition(f"\n## {heading}")
        found |= set(re.findall(r"\*\*([A-Za-z]+)\*\*", section.partition("\n## ")[0]))
    return {word.lower().removesuffix("s") for word in found}


def _standard_terms() -> set[str]:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    listed = re.search(r"Use the standard terms: ([\w, ]+);", text)
    assert listed
    return set(listed[1].split(", "))


_TOOLS = {
    *("audit verify", "dead list", "dead show", "mail parse", "mail preview", "metrics", "migrate"),
    *("audit at", "log between", "log export", "log show"),
    *("keys rotate application", "projections lag", "seal", "up"),
}
"""Commands whose name is no term, or whose last word is one already."""


def test_every_term_that_the_pages_and_commands_use_stands_in_the_glossary() -> None:
    emphasised, standard = _emphasised(), _standard_terms()
    assert {"claim", "nudge", "projection"} <= emphasised
    commands = {path.removeprefix("cplus ") for path, _ in _commands(main, "cplus")}
    verbs = {path.split()[-1].removeprefix("un") for path in commands - _TOOLS}
    fields = {"actor", "cause", "claim", "position", "ref"}  # of a commit, as people name them
    missing = (emphasised | standard | verbs | fields) - _terms().keys()
    assert missing == set(), "add them to docs/glossary.md, or a command that is no term to _TOOLS"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/map.md"])
def test_the_glossary_is_linked_where_people_begin(page: str) -> None:
    assert re.search(r"\]\((?:docs/)?glossary\.md\)", (ROOT / page).read_text("utf-8"))


_RECORDED = "translate.py"  # what it cannot translate is recorded with its reason, and is done


def test_every_reason_that_makes_a_message_a_dead_letter_stands_in_the_runbook() -> None:
    files = (ROOT / "cplus" / "consumers").rglob("*.py")
    source = "".join(file.read_text("utf-8") for file in files if file.name != _RECORDED)
    reasons = re.findall(r'raise InvalidInput\(reason=f?"([^"{]+)', source)
    notifications = (ROOT / "cplus" / "mail" / "notifications.py").read_text("utf-8")
    reasons += re.findall(r'raise InvalidInput\(reason="([^"]+)', notifications)
    reasons += re.findall(r'^    "\w+": "(is [^"]+)"', notifications, re.MULTILINE)
    known = [code for row in _rows("runbook.md") for code in re.findall("`(.+?)`", row[0])]
    assert len(reasons) >= 15
    assert [one for one in reasons if not any(code in one for code in known)] == []
