"""An entity in the making, and what a resource does beyond storing its fields.

`Behaviour` is the rule of a plain table. Products, combinations, stock and the others override what PrestaShop's
classes do on top: rows that appear by themselves, defaults, cascades.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.faults import CrashedError, NotEmulatedError
from lcvsync.emulators.prestashop.stored import is_empty, php_int, stored, stored_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lcvsync.emulators.prestashop.call import Call
    from lcvsync.emulators.prestashop.model import Resource, Value, Values
    from lcvsync.emulators.prestashop.rendering import Item
    from lcvsync.emulators.prestashop.shop import Shop, Table


@dataclass
class Entity:
    """An object loaded from the database or new, with what the request wrote over it."""

    resource: Resource
    id: int | None
    values: Values

    def text(self, name: str) -> str:
        """An untranslated field's text, '' when absent."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""


def loaded(resource: Resource, row: Values) -> Entity:
    """The entity as it is stored. Lists of texts are copied, so that a failed write leaves the row alone."""
    values: Values = {name: dict(value) if isinstance(value, dict) else value for name, value in row.items()}
    return Entity(resource, int(str(row["id"])), values)


class Behaviour:
    """How one resource is saved, deleted and shown."""

    def __init__(self, shop: Shop, resource: Resource) -> None:
        self.shop, self.resource = shop, resource

    @property
    def table(self) -> Table:
        """The resource's rows."""
        return self.shop.tables[self.resource.name]

    # what GET shows

    def listed(self, row: Values) -> bool:
        """Whether the row belongs to the shop of the request."""
        return True

    def shown(self, call: Call, values: Values) -> Values:
        """The values with the computed fields filled in."""
        return values

    def items(self, name: str, row_id: int) -> Sequence[Item]:
        """The entries of an association."""
        return ()

    # what a write does

    def set_field(self, call: Call, entity: Entity, name: str, text: str) -> None:
        """Writes a field that has a setter of its own; it acts at once."""
        raise NotEmulatedError(f"writing {self.resource.name}.{name}")

    def prepare_new(self, call: Call, entity: Entity) -> None:
        """What happens to a new entity before it is validated."""

    def add(self, call: Call, entity: Entity) -> bool:
        """Inserts the entity; False when the database refuses."""
        now = self.shop.now()
        for name in ("date_add", "date_upd"):
            if name in self.resource.by_name:
                entity.values[name] = now
        if "id_shop_default" in self.resource.by_name:
            entity.values["id_shop_default"] = "1"
        self._insert(entity)
        return True

    def _insert(self, entity: Entity) -> int:
        entity.id = self.table.insert(self.stored_values(entity))
        entity.values["id"] = str(entity.id)
        return entity.id

    def update(self, call: Call, entity: Entity) -> bool:
        """Writes every column of the entity; False when the database refuses."""
        if "date_upd" in self.resource.by_name:
            entity.values["date_upd"] = self.shop.now()
        if "date_add" in self.resource.by_name and entity.text("date_add") == "":
            entity.values["date_add"] = self.shop.now()
        if "id_shop_default" in self.resource.by_name and is_empty(entity.values.get("id_shop_default")):
            entity.values["id_shop_default"] = "1"
        if entity.id is None:
            raise CrashedError
        self.table.update(entity.id, self.stored_values(entity))
        return True

    def stored_values(self, entity: Entity) -> Values:
        """The row that MySQL keeps."""
        return self._row(entity, self.shop.languages(), self.shop.default_language)

    def blank(self, languages: list[int]) -> Values:
        """The row of an entity that was given nothing."""
        return self._row(Entity(self.resource, None, {}), languages, languages[0])

    def _row(self, entity: Entity, languages: list[int], default: int) -> Values:
        row: Values = {}
        for field in self.resource.fields:
            if field.computed or field.unstored or field.name == "id":
                continue
            value = entity.values.get(field.name)
            if field.translated:
                row[field.name] = stored_texts(field, value, languages, default)
            else:
                row[field.name] = stored(field, _plain(value))
        return row

    def set_items(self, call: Call, entity: Entity, name: str, items: Sequence[Mapping[str, str]]) -> bool:
        """Replaces an association; False when the database refuses. Associations without a setter are ignored."""
        return True

    def delete(self, row_id: int) -> bool:
        """Removes the row and what hangs on it; False when PrestaShop refuses."""
        self.table.delete(row_id)
        return True


def _plain(value: Value) -> str | None:
    return None if isinstance(value, dict) else value


def ids_of(items: Sequence[Mapping[str, str]]) -> list[int]:
    """The ids of an association's entries, as PHP casts them."""
    return [php_int(each.get("id")) for each in items]


def listing(ids: Sequence[int]) -> list[Item]:
    """Entries that hold nothing but an id."""
    return [{"id": str(each)} for each in ids]
