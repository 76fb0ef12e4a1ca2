"""The XML that the webservice writes, with its odd whitespace (recorded samples).

Values stand in CDATA, which isn't escaped: an inner `]]>` breaks the answer (measured, section 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lcvsync.emulators.prestashop.call import Call
    from lcvsync.emulators.prestashop.model import Association, Field, Resource, Value, Values

Item = dict[str, str]
"""One entry of an association: its elements' texts."""


@dataclass(frozen=True)
class Choice:
    """What `display` asked for."""

    full: bool
    fields: frozenset[str] = frozenset()
    associations: Mapping[str, Sequence[str]] | None = None

    def shows(self, field: Field) -> bool:
        """Whether the field is asked for."""
        return self.full or field.name in self.fields


FULL = Choice(full=True)


def document(content: str) -> str:
    """The whole answer around its content."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<prestashop xmlns:xlink="http://www.w3.org/1999/xlink">\n'
        f"{content}</prestashop>\n"
    )


def errors(found: Sequence[tuple[int, str]]) -> str:
    """The answer of a refusal."""
    lines = "".join(
        f"<error>\n<code><![CDATA[{code}]]></code>\n<message><![CDATA[{message}]]></message>\n</error>\n"
        for code, message in found
    )
    return document(f"<errors>\n{lines}</errors>\n")


def minimum(call: Call, resource: Resource, ids: Sequence[int]) -> str:
    """The lines of a list without `display`."""
    url = f"{call.api_url}{resource.list_name}/"
    return "".join(f'<{resource.node} id="{each}" xlink:href="{url}{each}"/>\n' for each in ids)


def entity(
    call: Call, resource: Resource, values: Values, associations: Mapping[str, Sequence[Item]], choice: Choice
) -> str:
    """One entity with the fields and associations chosen. *associations* holds those to show."""
    shown = "".join(
        "\t" + field_line(call, resource, field, values) for field in resource.fields if choice.shows(field)
    )
    nested = ""
    if resource.associations and (choice.full or choice.associations):
        nested = _associations(call, resource, values, associations, choice)
    return f"<{resource.node}>\n{shown}{nested}</{resource.node}>\n"


def field_line(call: Call, resource: Resource, field: Field, values: Values) -> str:
    """One element."""
    value = values.get(field.name)
    if field.translated:
        return f"<{field.name}>{_texts(call, value)}</{field.name}>\n"
    text = value if isinstance(value, str) else ""
    attributes = ""
    if field.link and (text not in {"", "0"} or not field.name.startswith("id_")):
        attributes = f' xlink:href="{call.api_url}{_target(field, values)}{text}"'
    if field.computed:
        attributes += ' notFilterable="true"'
    return f"<{field.name}{attributes}><![CDATA[{text}]]></{field.name}>\n"


def _target(field: Field, values: Values) -> str:
    return f"{field.link}/{values.get('id')}/" if field.link == "images/products" else f"{field.link}/"


def _texts(call: Call, value: Value) -> str:
    """A translated field: languages get an xlink when the value is a list of texts.

    One text for all languages is shown as PHP shows it: the character at the language's id (tried on 8.2.1).
    """
    parts = []
    for language in call.languages:
        if isinstance(value, dict):
            link, text = f' xlink:href="{call.api_url}languages/{language}"', value.get(language, "")
        else:
            link, text = "", (value or "")[language : language + 1]
        parts.append(f'<language id="{language}"{link}><![CDATA[{text}]]></language>')
    return "".join(parts)


def _associations(
    call: Call, resource: Resource, values: Values, associations: Mapping[str, Sequence[Item]], choice: Choice
) -> str:
    parts = []
    for association in resource.associations:
        inner = None if choice.full else (choice.associations or {}).get(association.name)
        if choice.full or inner is not None:
            link = _item_link(call, resource, association, values)
            parts.append(_association(call, association, associations[association.name], link, inner))
    return f"<associations>\n{''.join(parts)}</associations>\n"


def _association(
    call: Call, association: Association, items: Sequence[Item], link: str, inner: Sequence[str] | None
) -> str:
    name = association.name
    kind = 'virtualEntity="true"' if association.virtual else f'api="{association.api or name}"'
    header = f'<{name} nodeType="{association.node}" {kind}'
    if not items:
        return f"{header}/>\n"
    fields = [each for each in association.fields if inner is None or each[0] in inner or not association.listed_fields]
    lines = []
    for item in items:
        opening = f"\t<{association.node}" + (f' xlink:href="{link}{item["id"]}">\n' if link else ">\n")
        elements = "".join(_item_field(call, name, target, item) for name, target in fields)
        lines.append(f"{opening}{elements}\t</{association.node}>\n")
    return f"{header}>\n{''.join(lines)}</{name}>\n"


def _item_link(call: Call, resource: Resource, association: Association, values: Values) -> str:
    """What the xlink of an item begins with; '' for the associations that aren't named as a resource."""
    if association.name == "images":
        product = values.get("id_product" if resource.name == "combinations" else "id")
        return f"{call.api_url}images/products/{product}/"
    if association.virtual or association.name in {"accessories", "product_bundle"}:
        return ""
    return f"{call.api_url}{association.name}/"


def _item_field(call: Call, name: str, link: str, item: Item) -> str:
    text = item.get(name, "")
    attributes = ""
    if link:
        attributes = f' xlink:href="{call.api_url}{link}/{text}"'
    return f"\t<{name}{attributes}><![CDATA[{text}]]></{name}>\n"
