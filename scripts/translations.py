"""Brings the catalogs of all languages up to date with the texts of the code.

Adds the ones that are new, with no translation yet, takes out those that nothing shows any more,
and prints what has no translation.
"""

from __future__ import annotations

import sys
import tomllib
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cplus.web.kit.i18n import ENGLISH, LANGUAGES, catalog_of

ROOT = Path(__file__).resolve().parent.parent
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "worded": None,
    "worded_of": (2, 3),
}
"""The functions that mark a text, and which of their arguments are one."""


def main() -> None:
    """Writes the catalogs; fails if a text has no translation."""
    texts = extracted()
    missing = 0
    for language in LANGUAGES:
        if language == ENGLISH:
            continue
        catalog = updated(language, texts)
        catalog_of(language).write_bytes(written(catalog))
        for message in untranslated(catalog):
            missing += 1
            print(f"{language}: {message.id!r}")
    if missing:
        sys.exit(f"translations: {missing} texts have no translation yet")


def extracted() -> Catalog:
    """The texts of templates and code, as `[tool.babel]` of pyproject.toml says."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["babel"]["mappings"]
    methods, options = [], {}
    for one in told:
        patterns = one["pattern"]
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
            methods.append((pattern, one["method"]))
            options[pattern] = {k: v for k, v in one.items() if k not in ("pattern", "method")}
    catalog = Catalog()
    found = extract_from_dir(ROOT / "cplus", methods, options, keywords=KEYWORDS)
    for name, line, message, _comments, _context in found:
        catalog.add(message, locations=[(name, line)])
    return catalog


def updated(language: str, texts: Catalog) -> Catalog:
    """The catalog of a language with just these texts."""
    path = catalog_of(language)
    before = read_po(BytesIO(path.read_bytes()) if path.exists() else BytesIO(), locale=language)
    catalog = Catalog(locale=language, header_comment=before.header_comment)
    for message in texts:
        if message.id:
            old = before.get(message.id)
            catalog.add(message.id, old.string if old else None, flags=message.flags)
    return catalog


def untranslated(catalog: Catalog) -> list[Message]:
    """The messages that have no translation, or not all of its plural forms."""
    return [
        message
        for message in catalog
        if message.id
        and not all(message.string if isinstance(message.string, tuple) else (message.string,))
    ]


def written(catalog: Catalog) -> bytes:
    """The file: sorted, and with nothing that changes by itself, so that two who add texts rarely
    touch the same lines."""
    file = BytesIO()
    write_po(file, catalog, no_location=True, sort_output=True, width=100)
    # The header names dates and versions.
    keeps = ("Language:", "MIME", "Content", "Plural")
    lines = file.getvalue().decode().split("\n")
    end = lines.index("", next(n for n, line in enumerate(lines) if line.startswith("msgid")))
    head = [one for one in lines[:end] if one[:1] in "#m" or one[1:].startswith(keeps)]
    head = [one for one in head if one != "#, fuzzy"]
    return "\n".join([*head, *lines[end:]]).encode()


if __name__ == "__main__":
    main()
