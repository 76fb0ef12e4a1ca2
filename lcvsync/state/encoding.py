"""Values as JSON text and back: LCV's records for the mirror, orders and documents for the export."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from lcvsync.domain.catalogue import (
    Article,
    ArticleId,
    Attribute,
    Coded,
    Department,
    DynamicCategory,
    Photo,
    PhotoId,
    Promotion,
    PromotionId,
    PromotionKind,
    Rfs,
    Size,
    SizeGrid,
    Sku,
    Store,
    Tables,
    Variant,
    VatRate,
    WebStore,
)
from lcvsync.planning.changes import Action, Change, GuardKind, Json, Kind, Lane, Step

T = TypeVar("T")


def encode(value: object) -> str:
    """A record as compact JSON; decimals and times as text, keys in a fixed order."""
    return _ENCODER.encode(value)


def _plain(value: Any) -> Json:
    """What JSON has no word for."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):  # or a datetime
        return value.isoformat()
    kind: Any = type(value)
    return {name: getattr(value, name) for name in _members(kind)}


@cache
def _members(record: Any) -> tuple[str, ...]:
    """The fields of a dataclass. Raises TypeError for anything else."""
    return tuple(item.name for item in fields(record))


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def decode_article(text: str) -> Article:
    """The article that `encode` wrote."""
    data = json.loads(text)
    data["id"] = ArticleId(data["id"])
    data["rfs"] = Rfs(**data["rfs"])
    data["vat_rate"] = Decimal(data["vat_rate"])
    data["weight"] = _decimal(data["weight"])
    data["categories"] = tuple(data["categories"])
    data["web_stores"] = tuple(data["web_stores"])
    data["variants"] = tuple(_variant(item) for item in data["variants"])
    data["photos"] = tuple(Photo(PhotoId(p["id"]), p["sha256"], p["position"], p["attributes"]) for p in data["photos"])
    return Article(**data)


def _variant(data: dict[str, Json]) -> Variant:
    return Variant(
        Sku(data["sku"]), data["ean"], data["size"], data["attributes"], _decimal(data["weight"]), data["active"]
    )


def decode_promotion(text: str) -> Promotion:
    """The promotion that `encode` wrote."""
    data = json.loads(text)
    data["id"] = PromotionId(data["id"])
    data["kind"] = PromotionKind(data["kind"])
    data["value"] = Decimal(data["value"])
    data["starts_at"] = datetime.fromisoformat(data["starts_at"])
    data["ends_at"] = datetime.fromisoformat(data["ends_at"]) if data["ends_at"] else None
    data["articles"] = tuple(data["articles"])
    data["skus"] = tuple(data["skus"])
    return Promotion(**data)


def decode_tables(data: dict[str, Json]) -> Tables:
    """The tables from their plain form."""

    def rows(name: str, make: Callable[..., Any]) -> tuple[Any, ...]:
        return tuple(make(**row) for row in data[name])

    return Tables(
        revision=data["revision"],
        currency=data["currency"],
        stores=rows("stores", Store),
        web_stores=rows("web_stores", lambda **row: WebStore(**{**row, "stock_stores": tuple(row["stock_stores"])})),
        size_grids=rows("size_grids", lambda sizes, **row: SizeGrid(sizes=tuple(Size(**s) for s in sizes), **row)),
        brands=rows("brands", Coded),
        departments=rows("departments", lambda rfs, label: Department(Rfs(**rfs), label)),
        categories=rows("categories", DynamicCategory),
        attributes=rows("attributes", Attribute),
        payment_methods=rows("payment_methods", Coded),
        vat_rates=rows("vat_rates", lambda code, rate: VatRate(code, Decimal(rate))),
        price_lists=rows("price_lists", Coded),
    )


def plain_tables(tables: Tables) -> Json:
    """The tables in the plain form that `decode_tables` reads."""
    return json.loads(encode(tables))


def decode_change(text: str) -> Change:
    """The change that `encode` wrote."""
    return change_of(json.loads(text))


def change_of(data: dict[str, Json]) -> Change:
    """The change of a plain form. Raises TypeError, ValueError or KeyError where it is none."""
    data["kind"] = Kind(data["kind"])
    data["action"] = Action(data["action"])
    data["lane"] = Lane(data["lane"])
    data["step"] = Step(data["step"])
    data["guards"] = tuple(map(GuardKind, data.get("guards", ())))
    return Change(**data)


def decode(kind: type[T], text: str) -> T:
    """The dataclass that `encode` wrote, read by the types of its fields."""
    value: T = _valued(kind, json.loads(text))
    return value


def _valued(kind: Any, data: Any) -> Any:
    kind = getattr(kind, "__supertype__", kind)
    arguments = get_args(kind)
    if NoneType in arguments:
        return None if data is None else _valued(next(each for each in arguments if each is not NoneType), data)
    if get_origin(kind) is tuple:
        return tuple(_valued(arguments[0], item) for item in data)
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**{name: _valued(hint, data[name]) for name, hint in _hints(kind).items() if name in data})
    if kind is datetime:
        return datetime.fromisoformat(data)
    if kind is Decimal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return kind(data)
    return data


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
