"""What axe-core, the checker of accessibility that the field uses, finds on a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page

AXE: Final = Path(__file__).parents[3] / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""Tags of the rules that a page has to keep: WCAG 2.2, levels A and AA, and what axe advises."""

_RUN = """async ([tags, only]) => {
  // A colour on its way to another is neither.
  document.getAnimations().forEach((one) => one.finish());
  const runOnly = only ? { type: "rule", values: only } : { type: "tag", values: tags };
  // Sounds and style sheets are looked at by rules of which none is about our pages.
  const found = await axe.run(document, { runOnly, resultTypes: ["violations"], preload: false });
  return [found.passes.length, found.violations.flatMap((one) => one.nodes.map((node) =>
    `${one.id}: ${node.target.join(" ")}: ${node.any.concat(node.all, node.none)[0]?.message}`))];
}"""


async def carry_axe(page: Page) -> None:
    """Has each document that the page loads from now on carry axe: to send it anew to each takes as
    long as to run it."""
    await page.add_init_script(path=AXE)


async def violations(page: Page, *only: str) -> list[str]:
    """What the page, which carries axe, violates of all rules, or of those named: rule,
    element and what is wrong with it. Raises AssertionError if no rule had anything to look at."""
    asked: list[Any] = [RULES, list(only) or None]
    kept, broken = await page.evaluate(_RUN, asked)
    assert kept + len(broken), page.url
    return list(broken)
