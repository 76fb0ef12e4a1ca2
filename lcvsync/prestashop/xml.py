"""Records to PrestaShop's XML and back, without I/O.

Writing: one child of `<prestashop>` for each record (measured, section 1); what XML can't carry (control characters,
lone surrogates, non-characters) is dropped, line ends become `\\n` as every XML reader makes them.
Reading: hardened (no DTD, no entities, no network, bounded depth) and tolerant, because real shops print PHP notices
before the declaration, echo `]]>` inside CDATA and give control characters that SQL put there (measured, section 8).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from lxml import etree

from lcvsync.ports import Record
from lcvsync.prestashop.resources import SHAPES, association_node

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lcvsync.ports import Association, Resource, Texts, Value

_UNWRITABLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_END = re.compile("\r\n?")
_MARKUP = re.compile("[<&>]")
_START = re.compile(r"<\?xml|<prestashop[\s>]")
_ID = re.compile(r"[0-9]{1,18}")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
MOST_MARKUP = 2_000_000
"""Elements and attributes: a page of 250 whole products has 200,000. Each takes 100 bytes of memory and more."""
_LOSES_ELEMENTS = frozenset({"ERR_RESOURCE_LIMIT", "ERR_TAG_NAME_MISMATCH", "ERR_TAG_NOT_FINISHED"})
"""What libxml2 repairs by leaving out what follows, or by putting it into what went before."""
_LAST_ASSOCIATIONS = ("images",)
"""`images` after `product_option_values`: writing the values deletes a combination's images (measured, section 2)."""


class UnreadableError(ValueError):
    """The bytes are no PrestaShop XML; the text says in a few words what they are."""


def clean(text: str) -> str:
    """*text* as it arrives at the other end of an XML document."""
    return _UNWRITABLE.sub("", _LINE_END.sub("\n", text))


def compose(resource: Resource, records: Sequence[Record]) -> bytes:
    """The body of a POST, PUT or PATCH of *records*, in their order; `<id>` only where a record has one."""
    node = SHAPES[resource].node
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n<prestashop>\n']
    for record in records:
        parts.append(f"<{node}>")
        if record.id:
            parts.append(f"<id>{record.id}</id>")
        parts.extend(f"<{name}>{_value(value)}</{name}>" for name, value in record.fields.items())
        parts.append(_associations(record.associations))
        parts.append(f"</{node}>\n")
    parts.append("</prestashop>")
    return "".join(parts).encode()


def parse(content: bytes, *, whole: bool = True) -> etree._Element:
    """The `<prestashop>` element of an answer. Raises UnreadableError.

    Tried in turn: the bytes as they are; from the XML declaration on and without illegal characters; and, when the
    document has its end (a cut one must not pass for a short one), with libxml2's own repairs. Where these may lose
    elements or misplace them, the document isn't readable as a *whole*; the echo of a write needn't be.
    """
    if content.count(b"<") + content.count(b'="') + content.count(b"='") > MOST_MARKUP:
        raise UnreadableError(f"XML with more than {MOST_MARKUP} elements")
    try:
        return _root(content, recover=False)
    except etree.XMLSyntaxError:
        pass
    text = content.decode("utf-8", errors="replace")
    start = _START.search(text)
    if start is None:
        raise UnreadableError(_kind(text))
    tidied = _UNWRITABLE.sub("", text[start.start() :]).rstrip()
    try:
        return _root(tidied.encode(), recover=False)
    except etree.XMLSyntaxError as error:
        if not tidied.endswith("</prestashop>"):
            raise UnreadableError("XML that is cut short") from error
    try:
        return _root(tidied.encode(), recover=True, whole=whole)
    except etree.XMLSyntaxError as error:
        raise UnreadableError("broken XML") from error


def entities(root: etree._Element, resource: Resource) -> list[Record]:
    """The records of an answer: the children of its list, or of the root (answers to writes have no list).

    Raises UnreadableError where there is neither, or a record without id.
    """
    shape = SHAPES[resource]
    node = shape.node
    listed = root.find(shape.listed or resource.value)
    if listed is not None:
        return [_record(element, shape.detail_rows) for element in listed.iterchildren(node)]
    found = [_record(element, shape.detail_rows) for element in root.iterchildren(node)]
    if not found and len(root):
        raise UnreadableError(f"XML with <{root[0].tag}>")
    return found


def number_of(text: str | None, node: str) -> int:
    """An id, as an element *node* has it. Raises UnreadableError."""
    if not text or not _ID.fullmatch(text):
        raise UnreadableError(f"<{node}> without id")
    return int(text)


def _root(content: bytes, *, recover: bool, whole: bool = True) -> etree._Element:
    # Without huge_tree libxml2 refuses texts above 10 MB and more than 256 levels.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=recover,
        remove_comments=True,
        remove_pis=True,
    )
    root = etree.fromstring(content, parser)
    if root is None or root.tag != "prestashop" or root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableError(_kind(content[:500].decode("utf-8", errors="replace")))
    if whole and any(error.type_name in _LOSES_ELEMENTS for error in parser.error_log):
        raise UnreadableError("broken XML")
    return root


def _kind(text: str) -> str:
    """What bytes that aren't XML look like."""
    if not text.strip():
        return "nothing"
    return "an HTML page" if re.search(r"(?i)<!doctype html|<html|<body", text[:2000]) else "something else than XML"


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return "".join(f'<language id="{language}">{_text(text)}</language>' for language, text in value.items())


def _text(text: str) -> str:
    text = clean(text)
    if not _MARKUP.search(text):
        return text
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _associations(associations: Mapping[str, Association]) -> str:
    if not associations:
        return ""
    names = sorted(associations, key=lambda name: name in _LAST_ASSOCIATIONS)
    return f"<associations>{''.join(_association(name, associations[name]) for name in names)}</associations>"


def _association(name: str, items: Association) -> str:
    node = association_node(name)
    written = (
        f"<{node}>{''.join(f'<{child}>{number}</{child}>' for child, number in item.items())}</{node}>"
        for item in items
    )
    return f"<{name}>{''.join(written)}</{name}>"


def _record(element: etree._Element, detail_rows: str = "") -> Record:
    fields: dict[str, Value] = {}
    associations: dict[str, Association] = {}
    rows: tuple[Mapping[str, str], ...] = ()
    for child in element:
        if child.tag == "associations":
            associations = {str(each.tag): tuple(_items(each)) for each in child}
            if detail_rows and (details := child.find(detail_rows)) is not None:
                rows = tuple({str(cell.tag): cell.text or "" for cell in row} for row in details)
        else:
            fields[str(child.tag)] = _texts(child) if child.find("language") is not None else child.text or ""
    number = fields.pop("id", element.get("id", ""))
    return Record(number_of(number if isinstance(number, str) else "", element.tag), fields, associations, rows)


def _texts(element: etree._Element) -> Texts:
    return {number_of(child.get("id"), child.tag): child.text or "" for child in element.iterchildren("language")}


def _items(association: etree._Element) -> Iterator[Mapping[str, int]]:
    for item in association:
        numbers = {str(child.tag): int(child.text) for child in item if child.text and _INTEGER.fullmatch(child.text)}
        if numbers:
            yield numbers
