"""Descriptions from LCV, cleaned to the HTML that the shop accepts.

Two judges wait there. `Validate::isCleanHtml` refuses the whole record (400) if a regular expression finds a script, an
event handler, a frame, a form or a direction override *anywhere*, in plain text too: "Manuscript: 1920", "onload = 1".
Then HTMLPurifier rewrites what is stored, and drops what XHTML 1.0 doesn't know. So that the two find nothing to say:

1. nh3 parses as browsers do, keeps the elements and attributes that HTMLPurifier keeps, and closes what was left open;
2. what can't be sent is removed, also where an entity hid it (`&#8238;`);
3. in what is left to read, a no-break space parts the words from the `:` or `=` that the shop would take for code.

What is cleaned stays so when cleaned again, so what the shop stored can be sent back.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape, unescape

import nh3

from lcvsync.domain.texts import sendable

_KEPT = """
    a abbr acronym address b bdo big blockquote br caption center cite code col colgroup dd del dfn div dl dt em font
    h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre q s samp small source span strike strong sub sup table tbody td
    tfoot th thead tr tt u ul var video
"""
"""What HTMLPurifier keeps as PrestaShop sets it (`Tools::purifyHTML`); of other elements the text stays."""

_DROPPED = """
    applet audio canvas embed iframe math noembed noframes noscript object script select style svg template textarea
    title xmp
"""
"""Elements that go with their content: it isn't text to read."""

_ATTRIBUTES = {
    "*": {"class", "dir", "id", "lang", "style", "title"},
    "a": {"href", "name", "target"},
    "blockquote": {"cite"},
    "col": {"align", "span", "valign", "width"},
    "colgroup": {"align", "span", "valign", "width"},
    "del": {"cite"},
    "div": {"align"},
    "font": {"color", "face", "size"},
    "hr": {"align", "size", "width"},
    "img": {"align", "alt", "border", "height", "hspace", "src", "vspace", "width"},
    "ins": {"cite"},
    "ol": {"start", "type"},
    "p": {"align"},
    "q": {"cite"},
    "source": {"src", "type"},
    "table": {"align", "bgcolor", "border", "cellpadding", "cellspacing", "summary", "width"},
    "td": {"align", "bgcolor", "colspan", "height", "rowspan", "valign", "width"},
    "th": {"align", "bgcolor", "colspan", "height", "rowspan", "valign", "width"},
    "tr": {"align", "bgcolor", "valign"},
    "ul": {"type"},
    "video": {"controls", "height", "poster", "preload", "src", "width"},
}
_READ_BY_PEOPLE = {"alt", "summary", "title"}
_SCHEMES = {"http", "https", "mailto", "tel"}

_HTML5_BLOCK = re.compile(
    r"<(/?)(?:article|aside|details|fieldset|figcaption|figure|footer|header|main|nav|section|summary)(?=[\s/>])",
    re.IGNORECASE,
)
"""Blocks that the shop would drop, gluing their texts together; a `div` says the same."""

_ASSIGNED = re.compile(r"(?<!\w)(\w++)\s*+([:=])")
_CODE = re.compile(r"script$|on\w", re.IGNORECASE)
"""What makes code of a word before `:` or `=`. Wider than the shop's own list of events, which grows from version to
version. Two expressions, since one for both would try every "on" of a long word to its end."""
_STYLE_RISKS = re.compile(r"url|expression|behaviou?r|binding|import|[\\<>@]", re.IGNORECASE)

MOST_TAGS = 10_000
LONGEST_MARKUP = 200_000
"""A text with more tags or characters keeps its words and loses its tags: parsing takes time with the square of how
deep tags are nested and of how many characters are written as entities."""

_LONG_TAG = re.compile(r"<[a-zA-Z/!][^<>]{20000,}>?")
"""A pasted picture (`data:`), which isn't sent anyway, or thousands of attributes, with the same effect."""
_TAG = re.compile(r"(<[^<>]*>)")
_UNIT = re.compile(
    r"<[^>]*>|(?:&[a-z]+;|.)(?:[\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]|\u200d[^<&])*",
    re.DOTALL,
)
"""A tag, or a character with its marks."""
_BREAKING_TAG = re.compile(r"</?(?:blockquote|br|dd|div|dl|dt|h[1-6]|hr|li|ol|p|pre|table|td|th|tr|ul)\b")


def clean_html(text: str, limit: int | None = None) -> str:
    """*text* as HTML that the shop accepts; plain text keeps its lines.

    *limit* counts as the shop does for a short description (`Product::validateField`): without tags and line ends, an
    entity as its characters. A text that is longer is cut at a word, with "…" and every tag closed.
    """
    text = _HTML5_BLOCK.sub(r"<\1div", sendable(text))
    text = _LONG_TAG.sub("", text)
    clean = _words(text) if len(text) > LONGEST_MARKUP or text.count("<") > MOST_TAGS else _sanitised(text)
    if limit is not None and shown_length(clean) > limit:
        clean = _sanitised(_cut(clean, limit))
    return clean


def shown_length(html: str) -> int:
    """How many characters the shop counts in *html*, cleaned before: see `clean_html`."""
    return len(_TAG.sub("", html).replace("\n", ""))


def _words(html: str) -> str:
    """What there is to read in *html*, without a tag."""
    plain = " ".join(sendable(unescape(_TAG.sub(" ", html))).split())
    return _parted(escape(plain, quote=False))


def _sanitised(html: str) -> str:
    """*html* through the three steps of the module, again if need be: closing a tag can change how the next is read."""
    for _ in range(4):
        before, html = html, _pass(html)
        if html == before:
            break
    return html if "<" in html else html.replace("\n", "<br />")


def _pass(html: str) -> str:
    """One reading and writing of *html*."""
    clean = sendable(_cleaner().clean(html).replace("&nbsp;", "\u00a0"))
    parts = (part if part.startswith("<") else _parted(part) for part in _TAG.split(clean))
    return "".join(parts).replace("<br>", "<br />").strip()


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(_KEPT.split()),
        clean_content_tags=set(_DROPPED.split()),
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes=_SCHEMES,
        link_rel=None,
    )


def _attribute(_tag: str, name: str, value: str) -> str | None:
    """The attribute's value without what the shop takes for code; None drops the attribute."""
    clean = sendable(value).replace("<", "‹").replace(">", "›")
    if name in _READ_BY_PEOPLE:
        return _parted(clean)
    if _parted(clean) != clean or (name == "style" and _STYLE_RISKS.search(clean)):
        return None
    return clean


def _parted(text: str) -> str:
    """*text* with a no-break space where it would read as `script:` or `onclick=`."""
    return _ASSIGNED.sub(lambda found: f"{found[1]}\u00a0{found[2]}" if _CODE.search(found[1]) else found[0], text)


def _cut(html: str, limit: int) -> str:
    """The start of *html* that shows at most *limit* characters, "…" included; tags may be left open."""
    shown, hard, word, word_shown = 0, 0, 0, 0
    for unit in _UNIT.finditer(html):
        tag = unit[0].startswith("<")
        width = 0 if tag else len(unit[0]) - unit[0].count("\n")
        if shown + width > limit - 1:
            break
        if shown > word_shown and (unit[0].isspace() or _BREAKING_TAG.match(unit[0])):
            word, word_shown = unit.start(), shown
        shown += width
        hard = unit.end()
    end = word if word_shown > limit // 2 else hard
    return html[:end].rstrip() + ("…" if limit > 0 else "")
