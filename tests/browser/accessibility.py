"""What axe finds wrong on a page."""

from pathlib import Path

import pytest
from playwright.async_api import Page

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => {
    const rules = {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]};
    const found = await axe.run(document, {runOnly: rules, resultTypes: ["violations"]});
    return found.violations;
}"""
_SERIOUS = {"serious", "critical"}


async def serious_violations(page: Page) -> list[str]:
    """The serious and critical violations on `page`, each with the elements that it is about.

    Skips the test where the fronts' packages are not installed.
    """
    if not AXE.exists():
        pytest.skip("axe-core is not installed: ./dev up installs the packages of the fronts")
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    return [
        f"{page.url}: {it['id']}: {it['help']}: {[node['html'][:120] for node in it['nodes']]}"
        for it in await page.evaluate(_RUN)
        if it["impact"] in _SERIOUS
    ]
