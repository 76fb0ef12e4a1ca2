"""The script in a real browser: it shows, follows the chosen size, survives what themes do, and never breaks a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from .conftest import Site
from .pages import HOSTILE, THEMES, Page, publish

FIRST = {"Boutique de Lyon": "Disponible", HOSTILE: "Dernières pièces", "L'Atelier & Cie": "Indisponible"}
SECOND = {"Boutique de Lyon": "Indisponible", HOSTILE: "Indisponible", "L'Atelier & Cie": "Disponible"}
PLACED = "<div data-lcvsync-availability></div>"


@dataclass
class Visitor:
    """Somebody who looks at pages of a shop."""

    chrome: Chrome
    site: Site

    def open(self, page: Page) -> Visitor:
        """Look at a page."""
        self.site.pages["/"] = page.html()
        self.chrome.get(f"{self.site.url}/?{id(page)}")
        return self

    def run(self, script: str, *arguments: object) -> Any:
        """What a piece of script answers; promises are waited for."""
        return self.chrome.execute_script(f"return {script}", *arguments)

    def all(self, selector: str) -> list[WebElement]:
        """Elements."""
        return self.chrome.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """An element that there is once."""
        found = self.all(selector)
        if len(found) != 1:
            raise NoSuchElementException(f"{len(found)} of {selector}")
        return found[0]

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something, and not long."""
        early = [StaleElementReferenceException, NoSuchElementException]  # the page changes while it is looked at
        WebDriverWait(self.chrome, 5, poll_frequency=0.02, ignored_exceptions=early).until(lambda _: condition())

    def seen(self) -> dict[str, str]:
        """Store → state, of all tables of the page; what is seen, not what is in its source."""
        rows = "[...document.querySelectorAll('.lcvsync-availability__store')]"
        return dict(self.run(f"{rows}.map(row => [...row.children].map(cell => cell.innerText.trim()))"))

    def sees(self, expected: dict[str, str]) -> None:
        """Wait until the page shows this."""
        self.until(lambda: self.seen() == expected)

    def choose(self, size: str = "", colour: str = "") -> None:
        """Choose a size, a colour or one after the other, and wait for the theme."""
        if size:
            self._choose(lambda: Select(self.one("#group_1")).select_by_visible_text(size))
        if colour:
            self._choose(self.one(f"input[name='group[2]'][value='{colour}']").click)

    def _choose(self, do: Callable[[], object]) -> None:
        before = self.run("window.updates")
        do()
        self.until(lambda: self.run("window.updates") > before)

    def settled(self) -> dict[str, Any]:
        """What the page is about, once the script has done all that it does."""
        told: dict[str, Any] = self.run("window.lcvsyncAvailability.refresh()")
        return told

    def complaints(self) -> list[str]:
        """What the browser's console says, but for files that aren't there."""
        log: list[dict[str, Any]] = self.chrome.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in log if "Failed to load resource" not in entry["message"]]


@pytest.fixture
def visitor(chromium: Chrome, site: Site) -> Visitor:
    """A visitor of a shop whose files are there."""
    publish(site.directory)
    chromium.get("about:blank")
    chromium.get_log("browser")  # type: ignore[no-untyped-call]
    return Visitor(chromium, site)


@pytest.mark.parametrize("theme", THEMES)
class TestThemes:
    """In both themes."""

    def test_follows_the_choice(self, visitor: Visitor, theme: str) -> None:
        """One line in the theme: the chosen size is shown below what modules print, and so is the next one."""
        visitor.open(Page(theme))
        visitor.sees(FIRST)
        visitor.choose(size="38")
        visitor.sees(SECOND)
        visitor.choose(size="36", colour="9")
        visitor.sees(dict.fromkeys(FIRST, "Dernières pièces"))

        before = "document.querySelector('.js-product-additional-info').nextElementSibling.className"
        assert visitor.run(before) == "lcvsync-availability__place"
        assert visitor.one("caption").text == "Disponibilité en magasin"
        assert visitor.one(".lcvsync-availability__variant").text == "36, <b>Rouge</b>"
        assert visitor.site.asked.count("/lcvsync/products/12.json") == 1
        assert visitor.complaints() == []

    def test_placed_by_the_theme(self, visitor: Visitor, theme: str) -> None:
        """In the theme's own element, also when it stands in a block that the theme replaces; nowhere else."""
        visitor.open(Page(theme, in_info=PLACED))
        visitor.sees(FIRST)
        visitor.choose(size="38")
        visitor.sees(SECOND)

        assert len(visitor.all("[data-lcvsync-availability] table")) == len(visitor.all("table")) == 1
        assert visitor.all(".lcvsync-availability__place") == []

    def test_names_are_text(self, visitor: Visitor, theme: str) -> None:
        """A store called `<img onerror>` and a colour called `<b>` are what people read, and no elements."""
        visitor.open(Page(theme))
        visitor.sees(FIRST)
        visitor.choose(colour="9")
        visitor.until(lambda: "Rouge" in visitor.one(".lcvsync-availability__variant").text)

        assert visitor.run("window.hacked") is None
        assert visitor.all(".lcvsync-availability img, .lcvsync-availability b") == []
        assert HOSTILE in visitor.seen()

    def test_data_only(self, visitor: Visitor, theme: str) -> None:
        """Nothing is shown, not even a stylesheet is loaded; the event tells of every choice."""
        listen = "addEventListener('lcvsync:availability', event => told.push(event.detail), true)"
        line = '<script src="/lcvsync/lcvsync-availability.js" data-lcvsync-mode="data" defer></script>'
        visitor.open(Page(theme, script=f"<script>var told = []; {listen}</script>{line}", in_info=PLACED))
        visitor.until(lambda: visitor.run("told.length") == 1)
        visitor.choose(size="38")
        visitor.until(lambda: visitor.run("told.length") == 2)
        told = visitor.run("told")

        assert [(each["product"], each["combination"]) for each in told] == [(12, 40), (12, 41)]
        assert told[1]["variant"] == {
            "combination": 41,
            "name": "38, Moutarde",
            "states": {"5": "unavailable", "3": "unavailable", "4": "available"},
        }
        assert told[0]["data"]["labels"]["last_pieces"] == "Dernières pièces"
        assert visitor.all("table, link, .lcvsync-availability__place") == []

    def test_readable_by_everybody(self, visitor: Visitor, theme: str) -> None:
        """Screen readers find a named table with headings and hear of changes; there is nothing more to tab through."""
        visitor.open(Page(theme, script=""))
        stops = _stops(visitor)
        visitor.open(Page(theme))
        visitor.sees(FIRST)

        table = visitor.one("table")
        assert (table.aria_role, table.accessible_name) == ("table", "Disponibilité en magasin")
        assert [each.aria_role for each in visitor.all("thead th")] == ["columnheader"] * 2
        assert {each.aria_role for each in visitor.all(".lcvsync-availability__store th")} == {"rowheader"}
        assert {each.get_attribute("aria-hidden") for each in visitor.all(".lcvsync-availability__dot")} == {"true"}
        visitor.until(lambda: visitor.one(".lcvsync-availability__place").get_attribute("aria-live") == "polite")
        assert _stops(visitor) == stops


def _stops(visitor: Visitor) -> list[str]:
    """Where the Tab key leads."""
    found: list[str] = []
    visitor.run("document.body.focus()")
    for _ in range(6):
        visitor.chrome.switch_to.active_element.send_keys(Keys.TAB)
        found.append(str(visitor.run("document.activeElement.name || document.activeElement.id")))
    return found


class TestShowing:
    """What is shown."""

    @pytest.mark.parametrize("quantities", [False, True])
    @pytest.mark.parametrize("product", [12, 13])
    def test_same_as_the_fragment(self, visitor: Visitor, product: int, quantities: bool) -> None:
        """The script makes of the JSON what lcvsync writes as HTML."""
        publish(visitor.site.directory, quantities=quantities)
        visitor.open(Page(product=0, below=f'<div data-lcvsync-availability="{product}"></div>'))
        visitor.until(lambda: visitor.all("table"))
        fragment = (visitor.site.directory / "products" / f"{product}.html").read_text()
        parse = (
            "(() => { const t = document.createElement('template'); t.innerHTML = arguments[0]; return t.innerHTML })()"
        )

        made = visitor.run("document.querySelector('[data-lcvsync-availability]').innerHTML")
        assert made == re.sub(r">\n+<", "><", visitor.run(parse, fragment)).strip()

    def test_told_apart_without_colour(self, visitor: Visitor) -> None:
        """Disc, half disc and ring differ in shape; beside each stands its word; colours keep a contrast of 3 to 1."""
        visitor.open(Page())
        visitor.sees(FIRST)
        style = "[...document.querySelectorAll('.lcvsync-availability__dot')].map(d => [%s])"
        visitor.until(lambda: visitor.run(style % "getComputedStyle(d).borderTopLeftRadius") == [["50%"]] * 3)
        filled = visitor.run(style % "getComputedStyle(d, '::before').borderLeftWidth")
        colours = visitor.run(style % "getComputedStyle(d).borderTopColor")

        assert len({width for (width,) in filled}) == 3
        assert all(_contrast_to_white(colour) >= 3 for (colour,) in colours)
        assert set(visitor.seen().values()) == {"Disponible", "Dernières pièces", "Indisponible"}

    def test_server_side_fragment(self, visitor: Visitor) -> None:
        """What the server put into the page is all sizes; the script leaves the chosen one."""
        fragment = (visitor.site.directory / "products" / "12.html").read_text()
        placed = f"<div data-lcvsync-availability>{fragment}</div>"
        visitor.open(Page(script="", in_info=placed))
        assert len(visitor.all("tbody")) == 3
        visitor.open(Page(in_info=placed))
        visitor.sees(FIRST)
        assert len(visitor.all("tbody")) == 1

    def test_without_combinations(self, visitor: Visitor) -> None:
        """A product without combinations is combination 0."""
        visitor.open(Page(product=13, combination=0))
        visitor.sees({"Boutique de Lyon": "Dernières pièces"})

    def test_a_theme_that_says_nothing(self, visitor: Visitor) -> None:
        """Without a word about the combination every size is shown, until one is chosen."""
        visitor.open(Page(combination=None))
        visitor.until(lambda: len(visitor.all("tbody")) == 3)
        visitor.choose(size="38")
        visitor.sees(SECOND)

    def test_a_combination_of_somebody_else(self, visitor: Visitor) -> None:
        """A combination that isn't linked shows nothing, and the next one does again."""
        visitor.open(Page())
        visitor.sees(FIRST)
        visitor.choose(size="38", colour="9")
        visitor.sees({})
        visitor.choose(colour="8")
        visitor.sees(SECOND)

    @pytest.mark.parametrize("page", [Page(), Page(product=0, combination=None)], ids=["product", "list"])
    def test_quick_view(self, visitor: Visitor, page: Page) -> None:
        """A window with another product has its own table, which follows its own choice; the page's stays as it is."""
        visitor.open(page)
        before = FIRST if page.product else {}
        visitor.sees(before)
        for _ in range(2):
            visitor.run("window.quickView(14, 50)")
            visitor.until(lambda: visitor.one(".quickview .lcvsync-availability__variant").text == "M")
            fields = "[{name: 'id_product', value: '14'}]"
            visitor.run(f"prestashop.emit('updatedProduct', {{id_product_attribute: 51}}, {fields})")
            visitor.until(lambda: visitor.one(".quickview .lcvsync-availability__variant").text == "L")
            visitor.run("document.querySelector('.quickview').remove()")
            visitor.sees(before)


class TestNeverBreaksAPage:
    """Whatever is wrong, the page is as it would be without the script."""

    def test_unknown_product(self, visitor: Visitor) -> None:
        """A product that isn't lcvsync's: nothing to see, no error."""
        visitor.open(Page(product=77))
        told = visitor.settled()

        assert (told["variant"], told["data"]) == (None, None)
        assert visitor.all("table") == []
        assert visitor.run("document.querySelector('.lcvsync-availability__place').offsetHeight") == 0
        assert visitor.complaints() == []

    def test_no_product(self, visitor: Visitor) -> None:
        """Pages without a product: nothing is asked."""
        visitor.site.pages["/"] = Page().script + "<p>Accueil</p>"
        visitor.chrome.get(visitor.site.url)
        assert visitor.settled() is None
        assert set(visitor.site.asked) <= {"/", "/lcvsync/lcvsync-availability.js", "/favicon.ico"}

    def test_a_server_in_trouble(self, visitor: Visitor) -> None:
        """While files can't be had nothing is shown; the next choice tries again."""
        visitor.site.broken = True
        visitor.open(Page())
        assert visitor.settled()["data"] is None
        visitor.site.broken = False
        visitor.choose(size="38")
        visitor.sees(SECOND)
        assert visitor.complaints() == []

    def test_another_format(self, visitor: Visitor) -> None:
        """A file of a later lcvsync than the script that a browser has kept isn't misread."""
        file = visitor.site.directory / "products" / "12.json"
        file.write_text(file.read_text().replace('"format":1', '"format":2'))
        visitor.open(Page())
        assert visitor.settled()["data"] is None
        assert visitor.all("table") == []

    def test_loaded_twice(self, visitor: Visitor) -> None:
        """Two lines in the theme show one table."""
        visitor.open(Page(script=Page().script * 2))
        visitor.sees(FIRST)
        visitor.choose(size="38")
        visitor.sees(SECOND)
        assert len(visitor.all("table")) == 1

    def test_bundled_with_others(self, visitor: Visitor) -> None:
        """In a bundle of the shop's scripts it takes `base_url`, whether the theme's own come before or after it."""
        base = f"{visitor.site.url}/lcvsync"
        publish(visitor.site.directory, base_url=base)
        script = (visitor.site.directory / "lcvsync-availability.js").read_text()
        for place in ("script", "below"):
            visitor.open(Page(script="").but(**{place: f"<script>{script}</script>"}))
            visitor.sees(FIRST)
            visitor.choose(size="38")
            visitor.sees(SECOND)

    def test_own_stylesheet(self, visitor: Visitor) -> None:
        """A theme with its own looks keeps them."""
        line = Page().script.replace(" defer", ' data-lcvsync-style="none" defer')
        visitor.open(Page(script=line))
        visitor.sees(FIRST)
        assert visitor.all("link") == []


def _contrast_to_white(colour: str) -> float:
    """As WCAG reckons it."""
    channels = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
    linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)
