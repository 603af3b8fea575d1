"""Pages as a browser shows them: nothing clipped, nothing logged, all by keyboard, readable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graphdsl.cli.app import program
from tests.browser import CHROMIUM, Browser
from tests.report.test_pages import HOSTILE, PLAIN

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.slow,
]

#: Some sixty nodes, of which few are alike.
SIXTY = """
model sixty
const N = 12
observed x[1..N] : binary[8]
observed y[1..6] : binary[8]
latent z[1..N] : real[2] ~ normal
latent u[1..N] : real[2] ~ normal
latent w[1..6] : real[2] ~ normal
latent v[1..6] : real[2] ~ normal
latent alpha[1..5] : real[2] ~ normal
q {
    x[1] -> z[1]
    x[i], z[i-1] -> z[i] for i in 2..N
    x[i], z[i] -> u[i] for i in 1..N
    y[i] -> w[i] for i in 1..6
    y[i], w[i] -> v[i] for i in 1..6
    z[2], w -> alpha[1]
    alpha[i-1], w[i] -> alpha[i] for i in 2..5
}
p {
    z[i-1] -> z[i] for i in 2..N
    z[i], u[i] -> x[i] for i in 1..N
    w[i], v[i] -> y[i] for i in 2..6
    alpha, w[1], v[1] -> y[1]
}
minimize KL(q || p)
"""
#: A bound whose weight, beta - 1, is not over the whole range nonnegative.
LOST = """
model lost
param beta = 2 in 0..4
observed x : binary[8]
latent z : real[2] ~ normal
q { x -> z }
p { z -> x }
minimize CE(x | z) + KL(q(z | x) || p(z)) + (beta - 1) * I(x; z)
"""
SPECS = ("wyner", "structured_mm", "hfvae", "fair_mmd", "corex", "infogan", "sixty", "hostile")

#: Elements that stick out of the window, and are not within what scrolls.
OUTSIDE = """
[...document.querySelectorAll("main *, header *")].filter((one) =>
  !one.closest(".sum > *, .scroll, .listing, .display, svg, math, pre, .wide, thead") &&
  one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 80))
"""
#: Texts whose colour is too near to that of what is behind them (WCAG: 4.5 to 1).
FAINT = """
(() => {
  const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const bright = (colour) => {
    const [r, g, b] = parts(colour).slice(0, 3).map((one) => one / 255)
      .map((one) => one <= .03928 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = (one) => {
    for (let here = one; here; here = here.parentElement) {
      const colour = getComputedStyle(here).backgroundColor;
      if (colour !== "transparent" && parts(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || one.closest("script, style, svg, annotation")) continue;
    const both = [bright(getComputedStyle(one).color), bright(behind(one))].sort((a, b) => b - a);
    if ((both[0] + .05) / (both[1] + .05) < 4.5) found.push(one.outerHTML.slice(0, 80));
  }
  return found;
})()
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(scope="module", params=SPECS)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, name = tmp_path_factory.mktemp("page"), str(request.param)
    texts = {
        "sixty": SIXTY,
        "hostile": PLAIN.format(title=HOSTILE[1], remark=HOSTILE[2], comment=HOSTILE[3]),
    }
    spec = name
    if name in texts:
        (folder / f"{name}.mib").write_text(texts[name], encoding="utf-8")
        spec = str(folder / f"{name}.mib")
    values = ["--const", "N=6"] if name == "structured_mm" else []
    target = folder / "page.html"
    assert program(["audit", spec, "--format", "html", "-o", str(target), *values]) == 0
    return target


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_and_all_is_readable(
    page: Path, browser: Browser, width: int, dark: bool
) -> None:
    browser.open(page, width, dark)
    assert browser.value("document.documentElement.scrollWidth <= innerWidth")
    assert browser.value(OUTSIDE) == []
    assert browser.value(FAINT) == []
    assert browser.value("document.querySelectorAll('svg.net').length") > 0
    assert browser.complaints() == []


def test_pointing_at_a_term_lights_what_belongs_to_it(page: Path, browser: Browser) -> None:
    browser.open(page, 1280)
    count = browser.value("document.querySelectorAll('[data-term]').length")
    assert count > 0
    for place in range(count):
        row = f"document.querySelectorAll('[data-term]')[{place}]"
        browser.value(f"{row}.dispatchEvent(new PointerEvent('pointerenter'))")
        assert browser.value("document.querySelectorAll('.node.lit').length") > 0
        assert browser.value("document.querySelectorAll('#spec li.lit').length") > 0
        assert browser.value("document.querySelectorAll('#code li.lit').length") > 0
        assert browser.value("document.querySelectorAll('[data-term].lit').length") == 1
        browser.value(f"{row}.dispatchEvent(new PointerEvent('pointerleave'))")
        assert browser.value("document.querySelectorAll('.lit').length") == 0
    assert browser.complaints() == []


def test_the_keyboard_reaches_every_term_and_derivation(page: Path, browser: Browser) -> None:
    browser.open(page, 1280)
    wanted = browser.value("document.querySelectorAll('a, button, summary, [tabindex]').length")
    reached = set()
    for _ in range(wanted):
        browser.press("Tab")
        focused = "[...document.querySelectorAll('*')].indexOf(document.activeElement)"
        reached.add(browser.value(focused))
    assert len(reached) == wanted
    browser.value("document.querySelector('[data-term] button').focus()")
    browser.press("Enter")
    assert browser.value("document.activeElement.getAttribute('aria-pressed')") == "true"
    browser.value("document.activeElement.blur()")
    assert browser.value("document.querySelectorAll('.lit').length") > 0
    browser.press("Escape")
    assert browser.value("document.querySelectorAll('.lit').length") == 0


def test_a_slider_says_where_a_direction_is_lost(browser: Browser, tmp_path: Path) -> None:
    spec, target = tmp_path / "lost.mib", tmp_path / "lost.html"
    spec.write_text(LOST, encoding="utf-8")
    assert program(["audit", str(spec), "--format", "html", "-o", str(target)]) == 0
    browser.open(target, 1280)
    slider = "document.querySelector('[data-parameter=beta]')"
    said = "document.getElementById('verdict').textContent"
    before = browser.value(said)
    assert before == "At these values every bound has a nonnegative weight."
    for value, lost in (("0.5", True), ("1.5", False), ("0", True), ("2", False)):
        browser.value(f"{slider}.value = {value}; {slider}.dispatchEvent(new Event('input'))")
        assert ("direction is lost" in browser.value(said)) == lost
        assert browser.value(f"{slider}.nextElementSibling.value") == value
    assert browser.complaints() == []


def test_paper_shows_what_is_folded_on_the_screen(page: Path, browser: Browser) -> None:
    browser.open(page, 1280)
    browser.value("dispatchEvent(new Event('beforeprint'))")
    assert browser.value("document.querySelectorAll('details:not([open])').length") == 0
    assert browser.complaints() == []


def test_a_browser_would_complain_of_a_foreign_script(page: Path, browser: Browser) -> None:
    """The check can fail: the page's policy refuses a script that is not its own."""
    changed = page.with_name("changed.html")
    text = page.read_text(encoding="utf-8")
    changed.write_text(text.replace("</main>", "<script>document.title = 1</script></main>"))
    browser.open(changed, 1280)
    assert any("Content Security Policy" in one for one in browser.complaints())
    assert browser.value("document.title") != "1"
