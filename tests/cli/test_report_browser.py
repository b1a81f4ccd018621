"""The page of `report` in a real browser: what people see, and what a screen reader is told."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from support.browser import CHROMIUM, DESK, MISSING, PHONE, Browser, Media
from support.reports import busy, hostile, long, minute
from support.repositories import Repo

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
WIDTHS = (320, 768, 1400)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of this module."""
    with Browser(str(tmp_path_factory.mktemp("profile"))) as made:
        yield made


@pytest.fixture
def page_of(
    copy_of: Callable[[str, Callable[[Repo], None]], Repo],
) -> Callable[[Callable[[Repo], None]], str]:
    """Write the report of a list that `build` makes; its address."""

    def make(build: Callable[[Repo], None]) -> str:
        repo = copy_of(build.__name__, build)
        repo.run("report", "-o", "out.html", env=minute(1530))
        return Path(repo.file("out.html")).as_uri()

    return make


Address = Callable[[Callable[[Repo], None]], str]

# Contrast of each text with what is behind it (WCAG 2.2, 1.4.3): those below 4.5, or below 3 where
# it is large.
_FAINT = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color) => {
    canvas.fillStyle = "#000"; canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => {
    const [r, g, b] = rgb(color).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      if (at.matches?.(".node")) return getComputedStyle(at.querySelector("rect")).fill;
      const color = getComputedStyle(at).backgroundColor;
      if (color !== "rgba(0, 0, 0, 0)") return color;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !parent.checkVisibility?.()) continue;
    if (parent.closest("title, desc, style, script")) continue;
    const style = getComputedStyle(parent);
    const ink = parent.closest("svg") ? style.fill : style.color;
    const [a, b] = [light(ink), light(behind(parent))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    seen += 1;
    if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5))
      found.push([walker.currentNode.data.trim().slice(0, 40), ink, behind(parent)]);
  }
  return { seen, found };
})()
"""
# What stands out of the page sideways, but for what can be scrolled by itself or is cut short.
_OVERFLOW = """
[...document.querySelectorAll("body *")].filter((one) => {
  if (one.closest(".scroll") || one.closest(".skip") || one.closest("defs")) return false;
  if (getComputedStyle(one).clipPath !== "none" || one.closest("thead")) return false;
  for (let at = one.parentElement; at; at = at.parentElement)
    if (getComputedStyle(at).overflowX === "hidden") return false;
  const box = one.getBoundingClientRect();
  return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
}).map((one) => one.outerHTML.slice(0, 120))
"""


@pytest.mark.parametrize("build", [busy, hostile, long], ids=lambda build: build.__name__)
def test_the_page_fits_and_can_be_read(browser: Browser, page_of: Address, build: object) -> None:
    """From a phone to a wide screen, light and dark, nothing sticks out and no text is faint."""
    assert callable(build)
    page = browser.open(page_of(build))
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            page.look(Media(width, 800, scheme))
            wide = page.value("document.documentElement.scrollWidth")
            assert wide <= width, (width, page.value(_OVERFLOW))
            assert page.value(_OVERFLOW) == [], width
            heads = "[...document.querySelectorAll('.people th')].map(h => h.offsetHeight > 9)"
            assert set(page.value(heads)) <= {True}, "figures without their heads"
            contrast = page.value(_FAINT)
            assert contrast["seen"] > 40
            assert contrast["found"] == [], (width, scheme)
    backs = []
    for scheme in ("light", "dark"):
        page.look(Media(800, 800, scheme))
        backs.append(page.value("getComputedStyle(document.body).backgroundColor"))
    assert backs == ["rgb(255, 255, 255)", "rgb(13, 17, 23)"]


def test_nothing_is_fetched_and_nothing_is_refused(browser: Browser, page_of: Address) -> None:
    """The page asks for nothing but itself, runs nothing, and keeps its own content policy."""
    address = page_of(hostile)
    page = browser.open(address)
    asked = [e["request"]["url"] for e in page.events("Network.requestWillBeSent")]
    assert [url for url in asked if url != address] == []
    assert page.events("Log.entryAdded") == []
    assert page.events("Runtime.consoleAPICalled") == []
    assert page.value("document.title") != "owned"
    assert page.value("document.scripts.length") == 0
    # The policy stands: what a stranger would put in does not run.
    page.value("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=document.x=1>')")
    page.until("true")
    assert page.value("document.x ?? null") is None
    assert page.events("Log.entryAdded")


def test_a_screen_reader_is_told_everything(browser: Browser, page_of: Address) -> None:
    """Landmarks, headings without a gap, tables with headings, and names for what is drawn."""
    page = browser.open(page_of(busy))
    roles = page.roles()
    told = {role for role, _ in roles}
    assert {"banner", "navigation", "main", "contentinfo", "region", "heading", "table"} <= told
    unnamed = [r for r, name in roles if r in ("image", "img", "link", "region") and not name]
    assert unnamed == []
    bars = [name for role, name in roles if role in ("image", "img")]
    assert "25% complete, 1 of 4 in progress" in bars
    assert any("bob: 2030-01-01 00:10:00 to" in name for name in bars)
    headings = page.value("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert headings.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(headings)), headings
    assert page.value("document.documentElement.lang") == "en"
    # On a phone rows are drawn as blocks, and are rows all the same.
    page.look(PHONE)
    phone = [role for role, _ in page.roles()]
    assert phone.count("row") == [role for role, _ in roles].count("row")


def test_the_keyboard_reaches_everything(browser: Browser, page_of: Address) -> None:
    """Tab goes first to the link that skips; a link to a task opens its details; focus is seen."""
    page = browser.open(page_of(busy), DESK)
    page.press("Tab", 9)
    assert page.value("document.activeElement.textContent") == "Skip to the content"
    assert page.value("document.activeElement.getBoundingClientRect().left") >= 0
    page.press("Enter", 13)
    page.until("document.activeElement.id === 'content'")
    page.press("Tab", 9)
    assert page.value("document.activeElement.getAttribute('href')") == "#t-core"
    assert page.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press("Enter", 13)
    page.until("document.getElementById('t-core').closest('details').open")
    page.value("document.querySelector('.scroll').focus()")
    assert page.value("document.activeElement.className") == "scroll"
    page.value("document.querySelector('a.node').focus()")
    page.press("Enter", 13)
    page.until("document.getElementById('t-ask').closest('details').open")


def test_on_paper_everything_is_open(browser: Browser, page_of: Address) -> None:
    """Printed, the details of all tasks are there, on white, without what leads elsewhere."""
    page = browser.open(page_of(busy), Media(800, 1000, "dark", "print"))
    assert page.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.value(
        "[...document.querySelectorAll('.task > div')].every(d => d.getBoundingClientRect().height)"
    )
    assert page.value("document.querySelector('nav').checkVisibility()") is False
    assert page.value(_FAINT)["found"] == []
    assert page.value("document.documentElement.scrollWidth") <= 800


def test_bars_stand_where_their_times_are(browser: Browser, page_of: Address) -> None:
    """On the timeline each task is right of what it waited for; a bar lies under its hour."""
    page = browser.open(page_of(busy))
    for width in WIDTHS:
        page.look(Media(width, 800))
        ends = page.value("""
          [...document.querySelectorAll(".strip")].map((strip) => {
            const bars = [...strip.querySelectorAll("rect")].filter(r => !r.closest("defs"));
            const boxes = bars.map((bar) => bar.getBoundingClientRect());
            return [boxes[0].left, boxes.at(-1).right, strip.getBoundingClientRect().right];
          })
        """)
        ask, core, test = ends
        assert ask[1] <= core[0] + 1
        assert core[0] < test[0]
        assert abs(core[1] - core[2]) <= 1  # still running: up to the end of the axis
        axis = page.value("""
          (() => {
            const box = (s) => document.querySelector(s).getBoundingClientRect();
            const [axis, strip] = [box(".axis"), box(".strip")];
            return [axis.left - strip.left, axis.right - strip.right];
          })()
        """)
        assert all(abs(difference) <= 2 for difference in axis), (width, axis)


def test_a_long_timeline_scrolls_under_its_axis(browser: Browser, page_of: Address) -> None:
    """Its hours stay in view, the keyboard can scroll it, and on paper it is whole."""
    page = browser.open(page_of(long), DESK)
    box = "document.querySelector('.scroll[aria-label=Timeline]')"
    page.value(f"{box}.scrollTop = 500")
    place = f"document.querySelector('.axis').getBoundingClientRect().top - {box}"
    assert abs(page.value(f"{place}.getBoundingClientRect().top")) <= 2
    assert page.value(f"{box}.tabIndex") == 0
    page.look(Media(800, 1000, "light", "print"))
    assert page.value(f"{box}.scrollHeight <= {box}.clientHeight")


def test_the_picture_is_not_empty(browser: Browser, page_of: Address, tmp_path: Path) -> None:
    """What is painted has the colours of the bars: green for done, amber for what runs."""
    page = browser.open(page_of(busy), Media(500, 300))
    path = os.path.join(str(tmp_path), "page.png")
    page.picture(path, whole=False)
    colors = _colors(path)
    assert {(26, 127, 55), (154, 103, 0), (255, 255, 255)} <= colors


def _colors(path: str) -> set[tuple[int, ...]]:
    """The colours of a PNG file of 8 bits a channel without interlacing (RFC 2083)."""
    with open(path, "rb") as file:
        data = file.read()
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert depth == 8
    step = {2: 3, 6: 4}[kind]
    packed, at = b"", 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + size]
        at += size + 12
    raw = zlib.decompress(packed)
    found: set[tuple[int, ...]] = set()
    line = bytearray(width * step)
    for row in range(height):
        start = row * (width * step + 1)
        line = _unfiltered(raw[start], raw[start + 1 : start + 1 + width * step], line, step)
        found.update(zip(*(line[c::step] for c in range(3)), strict=True))
    return found


def _unfiltered(kind: int, data: bytes, above: bytearray, step: int) -> bytearray:
    line = bytearray(data)
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        up, corner = above[i], above[i - step] if i >= step else 0
        near = min((left, up, corner), key=lambda v: abs(left + up - corner - v))
        line[i] = line[i] + (0, left, up, (left + up) // 2, near)[kind] & 255
    return line
