"""`/_emulator/shop/...`: what a test or the demo does to the shop besides the webservice. JSON in, JSON out.

`GET dump`, or parts of it, `dump?only=orders,images`; `POST edit`, `create`, `delete` do what a person does in the back
office, without the webservice's checks; `POST sell` lets the stock fall as an order would; `POST key` and `POST
settings` change keys and switches. `POST order`, `order/...` and `customer`: see `sales_control`.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.prestashop import images
from lcvsync.emulators.prestashop.call import Call
from lcvsync.emulators.prestashop.combinations import move_stock
from lcvsync.emulators.prestashop.entity import Entity, loaded
from lcvsync.emulators.prestashop.faults import CrashedError, UnusableError
from lcvsync.emulators.prestashop.names import METHODS
from lcvsync.emulators.prestashop.sales_control import SalesControl
from lcvsync.emulators.prestashop.shop import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from lcvsync.emulators.prestashop.model import Resource, Value
    from lcvsync.emulators.prestashop.shop import Shop

_PREFIX = "/_emulator/shop/"


class Control:
    """The control of one shop."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._actions: dict[tuple[str, str], Callable[[dict[str, Any]], object]] = {
            ("GET", "dump"): self._dump,
            ("POST", "edit"): self._edit,
            ("POST", "create"): self._create,
            ("POST", "delete"): self._delete,
            ("POST", "sell"): self._sell,
            ("POST", "key"): self._key,
            ("POST", "settings"): self._settings,
            **{("POST", name): action for name, action in SalesControl(shop).actions.items()},
        }

    def answer(self, request: Request) -> Response:
        """200 and the result, 400 and an `error` when the order makes no sense, 404 for an unknown action."""
        name = request.path.removeprefix(_PREFIX).strip("/")
        action = self._actions.get((request.method, name))
        if action is None:
            return _json(404, {"error": f"no such action: {request.method} {name}"})
        try:
            return _json(200, action(json.loads(request.body) if request.body else dict(request.query)))
        except (UnusableError, CrashedError, ArithmeticError, ValueError, KeyError, TypeError) as problem:
            return _json(400, {"error": f"{type(problem).__name__}: {problem}"})

    def _dump(self, order: dict[str, Any]) -> object:
        parts: dict[str, Callable[[], object]] = {
            **{name: partial(self._rows, resource) for name, resource in self.shop.resources.items()},
            "images": lambda: [self._image(image) for image in sorted(self.shop.images)],
            "mails": lambda: self.shop.mails,
            "pictures": lambda: [{"kind": kind, "id": owner} for kind, owner in sorted(self.shop.pictures)],
        }
        return {name: parts[name]() for name in (order["only"].split(",") if order else parts)}

    def _rows(self, resource: Resource) -> list[dict[str, object]]:
        return [
            {
                **row,
                "associations": {
                    each.name: self._items(resource.name, each.name, row_id) for each in resource.associations
                },
            }
            for row_id, row in sorted(self.shop.tables[resource.name])
        ]

    def _items(self, resource: str, association: str, row_id: int) -> object:
        return list(self.shop.behaviours[resource].items(association, row_id))

    def _image(self, image: int) -> dict[str, object]:
        row = self.shop.images[image]
        return {
            "id": image,
            "id_product": row.id_product,
            "position": row.position,
            "cover": row.shown_cover,
            "file": row.content is not None,
            "sha256": hashlib.sha256(row.sent).hexdigest() if row.sent is not None else None,
            "size": len(row.sent) if row.sent is not None else None,
            "combinations": [each for each, held in sorted(self.shop.images_of.items()) if image in held],
        }

    def _edit(self, order: dict[str, Any]) -> object:
        resource, row_id = self._resource(order), int(order["id"])
        row = self.shop.tables[resource.name].rows.get(row_id)
        if row is None:
            raise UnusableError(f"{resource.name}: no id {row_id}")
        entity = loaded(resource, row)
        return self._written(resource, entity, order, new=False)

    def _create(self, order: dict[str, Any]) -> object:
        resource = self._resource(order)
        blank = self.shop.behaviours[resource.name].blank(self.shop.languages())
        return self._written(resource, Entity(resource, None, blank), order, new=True)

    def _written(self, resource: Resource, entity: Entity, order: dict[str, Any], *, new: bool) -> object:
        """Saves without checks. A quantity makes the total anew, date_upd moves as PrestaShop moves it."""
        behaviour, call = self.shop.behaviours[resource.name], self._call()
        fields: dict[str, Any] = order.get("fields", {})
        for name, given in fields.items():
            field = resource.by_name.get(name)
            if field is None or field.name == "id":
                raise UnusableError(f"{resource.name}: no field {name}")
            if field.setter:
                behaviour.set_field(call, entity, name, str(given))
            else:
                entity.values[name] = _given(given)
        saved = behaviour.add(call, entity) if new else behaviour.update(call, entity)
        if not saved:
            raise UnusableError(f"{resource.name}: the database refuses")
        for name, ids in order.get("associations", {}).items():
            items = [each if isinstance(each, dict) else {"id": each} for each in ids]
            behaviour.set_items(call, entity, name, [{key: str(text) for key, text in each.items()} for each in items])
        return {"id": entity.id}

    def _delete(self, order: dict[str, Any]) -> object:
        row_id = int(order["id"])
        if order["resource"] == "images":
            if row_id not in self.shop.images:
                raise UnusableError(f"images: no id {row_id}")
            images.remove(self.shop, row_id)
            return {"id": row_id}
        resource = self._resource(order)
        if row_id not in self.shop.tables[resource.name] or not self.shop.behaviours[resource.name].delete(row_id):
            raise UnusableError(f"{resource.name}: can't delete {row_id}")
        return {"id": row_id}

    def _sell(self, order: dict[str, Any]) -> object:
        """The stock falls, and the product's total with it; below zero too, as an order would make it."""
        product, combination = int(order["id_product"]), int(order.get("id_product_attribute", 0))
        left = move_stock(self.shop, product, combination, -int(order.get("quantity", 1)))
        if left is None:
            raise UnusableError(f"no stock row of product {product}, combination {combination}")
        return {"quantity": left}

    def _key(self, order: dict[str, Any]) -> object:
        given = order.get("permissions", "all")
        permissions = None if given == "all" else {name: set(methods) for name, methods in given.items()}
        unknown = set().union(*(permissions or {}).values()) - METHODS
        if unknown:
            raise UnusableError(f"no such methods: {', '.join(sorted(unknown))}")
        self.shop.keys[str(order["key"])] = Key(permissions, bool(order.get("active", True)))
        return {"key": order["key"]}

    def _settings(self, order: dict[str, Any]) -> object:
        """`webservice`, `notices`, `mail`: switches; `languages`: {id: active}; `configurations`: {name: value}."""
        unknown = set(order) - {"webservice", "notices", "mail", "languages", "configurations"}
        if unknown:
            raise UnusableError(f"no such settings: {', '.join(sorted(unknown))}")
        self.shop.webservice = bool(order.get("webservice", self.shop.webservice))
        self.shop.notices = bool(order.get("notices", self.shop.notices))
        self.shop.mail_works = bool(order.get("mail", self.shop.mail_works))
        for language, active in order.get("languages", {}).items():
            self.shop.tables["languages"].update(int(language), {"active": str(int(active))})
        for name, value in order.get("configurations", {}).items():
            self._configure(name, str(value))
        return {"webservice": self.shop.webservice, "notices": self.shop.notices}

    def _configure(self, name: str, value: str) -> None:
        table = self.shop.tables["configurations"]
        found = table.where("name", name)
        if found:
            table.update(found[0], {"value": value, "date_upd": self.shop.now()})
        else:
            now = self.shop.now()
            table.insert({
                "name": name, "value": value, "id_shop": None, "id_shop_group": None, "date_add": now, "date_upd": now,
            })  # fmt: skip

    def _resource(self, order: dict[str, Any]) -> Resource:
        name = order["resource"]
        if name not in self.shop.resources:
            raise UnusableError(f"no such resource: {name}")
        return self.shop.resources[name]

    def _call(self) -> Call:
        """A request that nobody sent: the rules of saving ask for one."""
        return Call(self.shop, "", "POST", [""], Request("POST", "/", [], {}, b""), old=False)


def _given(value: object) -> Value:
    if isinstance(value, dict):
        return {int(language): str(text) for language, text in value.items()}
    if isinstance(value, bool):
        return str(int(value))
    return None if value is None else str(value)


def _json(status: int, content: object) -> Response:
    body = json.dumps(content, ensure_ascii=False).encode()
    return Response(status, body, {"Content-Type": "application/json"})
