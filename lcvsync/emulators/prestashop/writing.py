"""POST, PUT, PATCH and DELETE: several entities in one body, each saved on its own (measured, sections 1 and 2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml import etree

from lcvsync.emulators.prestashop import rendering
from lcvsync.emulators.prestashop.entity import Entity, loaded
from lcvsync.emulators.prestashop.faults import RefusedError, warning
from lcvsync.emulators.prestashop.reading import entity as rendered
from lcvsync.emulators.prestashop.rendering import FULL
from lcvsync.emulators.prestashop.stored import php_int
from lcvsync.emulators.prestashop.validation import problem_of_fields, problem_of_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lcvsync.emulators.prestashop.call import Call
    from lcvsync.emulators.prestashop.entity import Behaviour
    from lcvsync.emulators.prestashop.model import Field, Resource

_WINDOW = 80
"""libxml shows at most so many characters of a bad line."""


def save(call: Call, resource: Resource) -> str:
    """Saves the entities of the body in their order; gives the XML of all of them as they were SENT."""
    root = _parsed(call)
    elements = _elements(root)
    _check_ids(call, elements)
    behaviour = call.shop.behaviours[resource.name]
    saved = []
    for element in elements:
        found = _started(call, resource, element)
        saved.append(found)
        _assign(call, behaviour, found, element)
        if call.method == "POST":
            behaviour.prepare_new(call, found)
        if not call.errors:
            _validate(call, found)
            _store(call, behaviour, found, element)
    if call.errors:
        return ""
    call.status = 201 if call.method == "POST" else 200
    return rendering.document("".join(rendered(call, resource, behaviour, each, FULL) for each in saved))


def _check_ids(call: Call, elements: Sequence[etree._Element]) -> None:
    texts = [_text(_child(element, "id")) for element in elements]
    ids = [php_int(text) for text in texts if text]
    if call.method == "POST":
        if ids:
            raise RefusedError(400, 91, "id is forbidden when adding a new resource")
    elif len(set(ids)) != len(ids):
        raise RefusedError(400, 89, "id is duplicate in request")
    elif len(ids) != len(elements):
        raise RefusedError(400, 90, "id is required when modifying a resource")


def _started(call: Call, resource: Resource, element: etree._Element) -> Entity:
    """A new entity, or the one whose id stands in the body: the id in the URL is ignored (measured, section 1)."""
    if call.method == "POST":
        return Entity(resource, None, {})
    row = call.shop.tables[resource.name].rows.get(php_int(_text(_child(element, "id"))))
    if row is None:
        raise RefusedError(404, 92, "Invalid ID")
    return loaded(resource, row)


def _assign(call: Call, behaviour: Behaviour, entity: Entity, element: etree._Element) -> None:
    """Takes over every field of the body; in POST and PUT the absent ones are emptied (measured, section 2)."""
    nodes = {str(each.tag): each for each in reversed(_elements(element))}
    for field in entity.resource.fields:
        node = nodes.get(field.name)
        if node is None and call.method == "PATCH":
            continue
        if node is not None and not field.translated:
            _assign_plain(call, behaviour, entity, field, _text(node))
        elif field.required and not field.translated:
            raise RefusedError(400, 41, f'parameter "{field.name}" required')
        elif not field.required and field.property:
            entity.values[field.name] = None
        if field.translated:
            _assign_texts(entity, field, node)


def _assign_plain(call: Call, behaviour: Behaviour, entity: Entity, field: Field, text: str) -> None:
    if field.read_only:
        message = f'parameter "{field.name}" not writable. Please remove this attribute of this XML'
        raise RefusedError(400, 93, message)
    if field.setter:
        behaviour.set_field(call, entity, field.name, text)
    else:
        entity.values[field.name] = text


def _assign_texts(entity: Entity, field: Field, node: etree._Element | None) -> None:
    """Languages that aren't sent are lost, unless the field is required (measured, section 2: multi-language trap)."""
    languages = [] if node is None else [each for each in node if each.tag == "language"]
    if not languages:
        entity.values[field.name] = _text(node)
        return
    before = entity.values.get(field.name)
    texts = before if isinstance(before, dict) else {}
    for language in languages:
        texts[php_int(language.get("id"))] = _text(language)
    entity.values[field.name] = texts


def _validate(call: Call, entity: Entity) -> None:
    shop, resource = call.shop, entity.resource
    limit = php_int(shop.setting("PS_PRODUCT_SHORT_DESC_LIMIT")) or 800
    translated = any(each.translated for each in resource.fields)
    if translated and (message := problem_of_texts(resource, entity.values, shop.default_language, limit)):
        raise _invalid(call, 84, message)
    if message := problem_of_fields(resource, entity.values):
        raise _invalid(call, 85, message)


def _invalid(call: Call, code: int, message: str) -> RefusedError:
    """8.x escapes the arrow between class and field, 1.7.8 doesn't (recorded; tried on 1.7.8.11)."""
    return RefusedError(400, code, f'Validation error: "{message.replace("-&gt;", "->") if call.old else message}"')


def _store(call: Call, behaviour: Behaviour, entity: Entity, element: etree._Element) -> None:
    done = behaviour.add(call, entity) if call.method == "POST" else behaviour.update(call, entity)
    if not done:
        call.add(500, (46, "Unable to save resource"))
        return
    associations = _child(element, "associations")
    for node in [] if associations is None else _elements(associations):
        _set_association(call, behaviour, entity, node)


def _set_association(call: Call, behaviour: Behaviour, entity: Entity, node: etree._Element) -> None:
    """An unknown association is refused after the fields were saved (measured, section 2)."""
    name = str(node.tag)
    if entity.resource.association(name) is None:
        if name != "i18n":
            raise RefusedError(400, 86, f'The association "{name}" does not exists')
        return
    items = [{str(each.tag): _text(each) for each in _elements(item)} for item in _elements(node)]
    if not behaviour.set_items(call, entity, name, items):
        raise RefusedError(500, 85, f"Error occurred while setting the {name} value")


def delete(call: Call, resource: Resource) -> None:
    """Deletes one entity, or those of `id=[..]`: all of them or, when one is unknown, none (measured, section 1)."""
    table, behaviour = call.shop.tables[resource.name], call.shop.behaviours[resource.name]
    ids = _ids_to_delete(call)
    unknown = [each for each in ids if php_int(each) not in table]
    if unknown or not ids:
        call.add(404, (87, f"Id(s) not exists: {', '.join(unknown)}"))
        return
    left = [each for each in ids if php_int(each) in table and not behaviour.delete(php_int(each))]
    if left:
        call.add(500, (88, f"Id(s) wasn't deleted: {', '.join(left)}"))


def _ids_to_delete(call: Call) -> list[str]:
    listed = call.parameter("id")
    if listed is not None:
        bracketed = re.fullmatch(r"\[(.*)\]", listed)
        return bracketed[1].split(",") if bracketed else []
    if len(call.segments) < 2:
        complaint = "[PHP Notice #8] Undefined offset: 1"
        _add_missing_segment(call, complaint)
        return ["0"]
    return [str(php_int(call.segments[1]))]


def _add_missing_segment(call: Call, complaint: str) -> None:
    if call.notices:
        line = 1447 if call.old else 1485
        call.add(500, (5, f"{complaint} (/var/www/shop/classes/webservice/WebserviceRequest.php, line {line})"))


def _parsed(call: Call) -> etree._Element:
    """The root of the body; bad XML is refused with PHP's warnings and the whole body (measured, section 0)."""
    body = call.request.body.removeprefix(b"xml=")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        return etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        text = body.decode("utf-8", "replace")
        for error in parser.error_log if body else ():
            for line in _complaint(text, error.line, error.column, error.message):
                call.add(500, warning(f"SimpleXMLElement::__construct(): {line}", _REQUEST_FILE, _parse_line(call)))
        message = f"XML error : String could not be parsed as XML\nXML length : {len(body)}\nOriginal XML : {text}"
        raise RefusedError(500, 127, message) from None


_REQUEST_FILE = "classes/webservice/WebserviceRequest.php"


def _parse_line(call: Call) -> int:
    return 1506 if call.old else 1544


def _complaint(text: str, line: int, column: int, message: str) -> tuple[str, str, str]:
    """libxml's three lines: what is wrong, the line of text, and a caret below the place."""
    lines = text.splitlines() or [""]
    shown = lines[min(line, len(lines)) - 1]
    at = max(min(column - 1, len(shown)), 0)
    start = max(0, at - _WINDOW)
    return f"Entity: line {line}: parser error : {message}", shown[start : start + _WINDOW], " " * (at - start) + "^"


def _elements(element: etree._Element) -> list[etree._Element]:
    """The children that are elements: no comments, no processing instructions."""
    return list(element.iterchildren("*"))


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next((each for each in element if each.tag == name), None)


def _text(element: etree._Element | None) -> str:
    """The text of an element without that of its children, as PHP's cast gives it."""
    if element is None:
        return ""
    return (element.text or "") + "".join(each.tail or "" for each in element)
