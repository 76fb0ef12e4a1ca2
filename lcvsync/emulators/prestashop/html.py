"""The HTML that PrestaShop stores, which is not the HTML that was sent: HTMLPurifier rewrites it (measured, section 8).

Only the measured rewrites and their near kin are made: colours in capitals, data-* dropped, open elements closed,
entities decoded, void elements closed, links to other windows given their `rel`. The parser is nh3’s.
"""

from __future__ import annotations

import re

import nh3

_TAGS = {
    "a", "abbr", "acronym", "address", "b", "big", "blockquote", "br", "caption", "center", "cite", "code", "col",
    "colgroup", "dd", "del", "dfn", "dir", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "i", "img", "ins", "kbd", "li", "menu", "ol", "p", "pre", "q", "s", "samp", "small", "source", "span",
    "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
    "video", "bdo",
}  # fmt: skip
_COMMON = {"class", "id", "style", "title", "lang", "dir"}
_ATTRIBUTES = {
    "*": _COMMON,
    **{each: {"align"} for each in ("p", "div", "h1", "h2", "h3", "h4", "h5", "h6")},
    "a": {"href", "name", "rel", "target", "rev"},
    "img": {"src", "alt", "width", "height", "border", "align", "hspace", "vspace"},
    "table": {"border", "cellpadding", "cellspacing", "width", "summary", "align", "bgcolor", "frame", "rules"},
    "td": {"colspan", "rowspan", "align", "valign", "width", "height", "bgcolor", "abbr", "nowrap", "scope"},
    "th": {"colspan", "rowspan", "align", "valign", "width", "height", "bgcolor", "abbr", "nowrap", "scope"},
    "tr": {"align", "valign", "bgcolor"},
    "col": {"span", "width", "align"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type"},
    "ul": {"type"},
    "li": {"value", "type"},
    "video": {"src", "type", "width", "height", "poster", "preload", "controls"},
    "source": {"src", "type"},
    "blockquote": {"cite"},
    "q": {"cite"},
}
_COLOURS = {
    "black": "#000000", "white": "#FFFFFF", "red": "#FF0000", "green": "#008000", "blue": "#0000FF",
    "yellow": "#FFFF00", "gray": "#808080", "grey": "#808080", "silver": "#C0C0C0", "maroon": "#800000",
    "purple": "#800080", "fuchsia": "#FF00FF", "lime": "#00FF00", "olive": "#808000", "navy": "#000080",
    "teal": "#008080", "aqua": "#00FFFF", "orange": "#FFA500",
}  # fmt: skip
_STYLE = re.compile(r' style="([^"]*)"')
_VOID = re.compile(r"<(br|hr|img|col|source)((?:\s[^<>]*?)?)\s*/?>")
_BLANK_TARGET = re.compile(r'<a\b([^<>]*\btarget="_blank"[^<>]*)>')
_FONT_COLOUR = re.compile(r'(<font\b[^<>]*\bcolor=")([^"]*)"')
_NO_ALT = re.compile(r'<img\b(?![^<>]*\balt=)([^<>]*\bsrc="([^"]*)"[^<>]*)>')
_REL = re.compile(r'\s*\brel="([^"]*)"')
_NEEDS_WORK = re.compile(r"[<>&\x00-\x08\x0b\x0c\x0e-\x1f\r]")


def purified(text: str) -> str:
    """The HTML as a GET shows it after a write."""
    if _NEEDS_WORK.search(text) is None:
        return text
    clean = nh3.clean(
        text.replace("\r\n", "\n").replace("\r", "\n"),
        tags=_TAGS,
        clean_content_tags={"script", "style"},
        attributes=_ATTRIBUTES,
        strip_comments=False,
        link_rel=None,
        url_schemes={"http", "https", "mailto", "ftp", "nntp", "news", "tel"},
    )
    clean = clean.replace("&nbsp;", "\u00a0")
    clean = _STYLE.sub(_style, clean)
    clean = _BLANK_TARGET.sub(_blank_target, clean)
    clean = _FONT_COLOUR.sub(lambda found: f'{found[1]}{_colour(found[2])}"', clean)
    clean = _NO_ALT.sub(_alternative, clean)
    if "<tbody" not in text:
        clean = clean.replace("<tbody>", "").replace("</tbody>", "")
    return _VOID.sub(lambda found: f"<{found[1]}{found[2].rstrip()} />", clean)


def _style(found: re.Match[str]) -> str:
    """Declarations one after the other, each closed; colour names become capitals in hexadecimal."""
    declarations = []
    for declaration in found[1].split(";"):
        name, colon, value = (part.strip() for part in declaration.partition(":"))
        if colon and name and value:
            declarations.append(f"{name.lower()}:{_colour(value)};")
    return f' style="{"".join(declarations)}"' if declarations else ""


def _colour(value: str) -> str:
    return _COLOURS.get(value.lower(), value)


def _alternative(found: re.Match[str]) -> str:
    """An image without `alt` gets its file's name (tried on 8.2.1)."""
    return f'<img{found[1]} alt="{found[2].rpartition("/")[2]}">'


def _blank_target(found: re.Match[str]) -> str:
    """A link to a new window can't reach back to the shop's page: `rel` ends with noreferrer noopener."""
    attributes = found[1]
    kept = [word for word in (_REL.search(attributes) or ("", ""))[1].split() if word == "nofollow"]
    bare = _REL.sub("", attributes)
    return f'<a{bare} rel="{" ".join([*kept, "noreferrer", "noopener"])}">'
