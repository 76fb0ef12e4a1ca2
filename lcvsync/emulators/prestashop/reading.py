"""GET and HEAD of a list or of one entity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop import rendering
from lcvsync.emulators.prestashop.entity import loaded
from lcvsync.emulators.prestashop.faults import NotEmulatedError, RefusedError, notice
from lcvsync.emulators.prestashop.filters import Filters, chosen, limited
from lcvsync.emulators.prestashop.rendering import FULL, Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lcvsync.emulators.prestashop.call import Call
    from lcvsync.emulators.prestashop.entity import Behaviour, Entity
    from lcvsync.emulators.prestashop.model import Resource

_NOTICE = "Trying to access array offset on value of type bool"
_NOTICE_LINES = range(1333, 1337)
_OLD_NOTICE_LINES = range(1307, 1311)


class NotFoundError(Exception):
    """404 with an empty body and no Content-Type (measured, section 0)."""


def read_list(call: Call, resource: Resource) -> str:
    """The list that `filter`, `sort`, `limit` and `display` ask for."""
    behaviour, table = call.shop.behaviours[resource.name], call.shop.tables[resource.name]
    if call.parameter("schema") is not None:
        raise NotEmulatedError(f"parameter schema on {resource.name}")
    try:
        filters = Filters(call, resource)
        names = [each.name for each in resource.fields]
        choice = chosen(call, resource, names)
        found = [row_id for row_id in filters.matching(table) if behaviour.listed(table.rows[row_id])]
        ids = limited(call, filters.ordered(table, found))
    except RefusedError as refusal:
        _add_notices(call, refusal)
        return ""
    if choice is None:
        lines = rendering.minimum(call, resource, ids)
    else:
        lines = "".join(entity(call, resource, behaviour, loaded(resource, table.rows[each]), choice) for each in ids)
    return rendering.document(f"<{resource.list_name}>\n{lines}</{resource.list_name}>\n")


def _add_notices(call: Call, refusal: RefusedError) -> None:
    """A refused filter makes PHP complain four times more, and the status 500 (measured, section 0)."""
    call.add(refusal.status, (refusal.code, refusal.message))
    if call.notices:
        for line in _OLD_NOTICE_LINES if call.old else _NOTICE_LINES:
            call.add(500, notice(_NOTICE, "classes/webservice/WebserviceRequest.php", line))


def read_one(call: Call, resource: Resource, row_id: int) -> str:
    """One entity, whole or as `display` asks."""
    behaviour, table = call.shop.behaviours[resource.name], call.shop.tables[resource.name]
    if call.parameter("schema") is not None:
        raise NotEmulatedError(f"parameter schema on {resource.name}")
    names = [each.name for each in resource.fields]
    choice = FULL if call.parameter("display") is None else chosen(call, resource, names)
    if row_id not in table:
        if resource.name == "combinations" and row_id in call.shop.phantoms:
            raise _elsewhere(resource, row_id)
        raise NotFoundError
    row = table.rows[row_id]
    if not behaviour.listed(row):
        raise _elsewhere(resource, row_id)
    if choice is None:
        return rendering.document(rendering.minimum(call, resource, [row_id]))
    return rendering.document(entity(call, resource, behaviour, loaded(resource, row), choice))


def _elsewhere(resource: Resource, row_id: int) -> RefusedError:
    return RefusedError(404, 131, f"This {resource.model} ({row_id}) does not exists on this shop")


def entity(call: Call, resource: Resource, behaviour: Behaviour, shown: Entity, choice: Choice) -> str:
    """The XML of one entity."""
    row_id = shown.id or 0
    values = behaviour.shown(call, shown.values) if _needs_computing(resource, choice) else shown.values
    wanted: Sequence[str] = (
        [each.name for each in resource.associations] if choice.full else [*(choice.associations or ())]
    )
    associations = {name: behaviour.items(name, row_id) for name in wanted}
    return rendering.entity(call, resource, values, associations, choice)


def _needs_computing(resource: Resource, choice: Choice) -> bool:
    return choice.full or any(field.computed and field.name in choice.fields for field in resource.fields)
