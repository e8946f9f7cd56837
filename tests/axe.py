"""What the axe accessibility checker finds on a page."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# Only what is wrong leaves the browser: with every rule that is kept comes a part of the page, 50 kB nobody reads.
RUN = """
async options => {
  const found = await window.axe.run(options);
  return found.violations.map(violation => [violation.id, violation.nodes.map(node => node.html)]);
}
"""


def violations(page: Page, *, rules: list[str] | None = None) -> list[tuple[str, list[str]]]:
    """The rule and the elements that break it; of `rules` only, when they are named.

    A page that was looked at before has axe still, and is not sent its half megabyte again.
    """
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(RUN, options)
    return [(rule, elements) for rule, elements in found]
