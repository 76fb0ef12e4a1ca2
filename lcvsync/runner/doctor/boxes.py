"""The boxes of the webservice key: missing ones, PATCH, and those that should never be ticked. Facts → findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lcvsync.ports import ShopIdentity
from lcvsync.runner.doctor.facts import Known, Missed, Options
from lcvsync.runner.doctor.findings import Finding, failure, ok, unknown, warning
from lcvsync.runner.rights import BASIC, COMPLETE, ORDERS, WRITE, order_rights

REFUSED = 4
PAGE = "Advanced parameters > Webservice > the key"
WRITES = ("POST", "PUT", "PATCH", "DELETE")

DESTRUCTIVE = ("orders", "order_states", "order_histories", "customers")
"""A DELETE of these is carried out, paid orders and PrestaShop's own states included (tried on 8.2.1)."""
NEVER: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys((*ORDERS, "customers", "addresses"), WRITES),
    "order_states": ("PUT", "PATCH", "DELETE"),
    "order_histories": ("PUT", "PATCH", "DELETE"),
    "products": ("DELETE",),
    "categories": WRITES,
    "product_options": WRITES,
    "product_features": WRITES,
    "employees": ("GET", *WRITES),
    "carts": ("GET", *WRITES),
}
"""Resource → methods that lcvsync never uses and that do harm in wrong hands (docs/prestashop-permissions.md)."""


def examine(
    identity: ShopIdentity | Missed | None, known: Known | Missed | None, options: Options
) -> Iterator[Finding]:
    """Everything about the boxes."""
    if not isinstance(identity, ShopIdentity):
        for check in ("key.boxes", "key.patch", "key.danger"):
            yield unknown(check, "the shop doesn't show what the key may do")
        return
    adopted = isinstance(known, Known) and known.adopted
    needed = wanted(options, orders=adopted or options.min_id is not None)
    yield from _missing(identity, options, needed, adopted)
    yield _patch(identity, needed)
    yield _danger(identity)


def wanted(options: Options, *, orders: bool) -> dict[str, tuple[str, ...]]:
    """Resource → methods for the options; those of *orders* too."""
    needed = dict(COMPLETE if options.complete else BASIC)
    if orders:
        more = order_rights(customers=options.export_customers, states=options.mark_states)
        needed = {name: (*needed.get(name, ()), *more.get(name, ())) for name in {**needed, **more}}
    return needed


def _missing(
    identity: ShopIdentity, options: Options, needed: Mapping[str, tuple[str, ...]], adopted: bool
) -> Iterator[Finding]:
    """Boxes of the catalogue stop every run; those of orders every run of an adopted state."""
    catalogue = wanted(options, orders=False)
    lacking = {name: _lacking(identity, name, methods) for name, methods in needed.items()}
    lacking = {name: methods for name, methods in lacking.items() if methods}
    if not lacking:
        yield ok("key.boxes", f"all {sum(len(set(methods)) for methods in needed.values())} are ticked")
        return
    found = "; ".join(f"{name}: {', '.join(methods)}" for name, methods in sorted(lacking.items()))
    cure = f"tick in {PAGE}: {found}"
    if adopted or any(_lacking(identity, name, methods) for name, methods in catalogue.items()):
        yield failure("key.boxes", f"not ticked: {found}", "every run stops before its first write", cure, REFUSED)
    else:
        meaning = "`lcvsync adopt` refuses until they are: orders need them"
        yield warning("key.boxes", f"not ticked: {found}", meaning, cure)


def _lacking(identity: ShopIdentity, resource: str, methods: tuple[str, ...]) -> list[str]:
    have = identity.rights.get(resource, frozenset())
    return [
        method
        for method in dict.fromkeys(methods)
        if not have & (frozenset({"PUT", "PATCH"}) if method == WRITE else frozenset({method}))
    ]


def _patch(identity: ShopIdentity, needed: Mapping[str, tuple[str, ...]]) -> Finding:
    if not _has_patch(identity):
        return ok("key.patch", f"PrestaShop {identity.version} has none: PUT does the work")
    written = [name for name, methods in sorted(needed.items()) if WRITE in methods]
    without = [name for name in written if "PATCH" not in identity.rights.get(name, ())]
    if not without:
        return ok("key.patch", "ticked")
    return warning(
        "key.patch",
        f"not ticked for {', '.join(without)}",
        "each update costs one more request, and what a person edits between reading and writing is lost",
        f"tick PATCH in {PAGE} for {', '.join(without)}; keys made before PrestaShop 8 don't have it",
    )


def _has_patch(identity: ShopIdentity) -> bool:
    return int(identity.version.partition(".")[0] or 0) >= 8


def _danger(identity: ShopIdentity) -> Finding:
    """The worst first: what can be deleted for good."""
    ticked = {
        name: [method for method in methods if method in identity.rights.get(name, ())]
        for name, methods in NEVER.items()
    }
    ticked = {name: methods for name, methods in ticked.items() if methods}
    if not ticked:
        return ok("key.danger", "none")
    fatal = [name for name in DESTRUCTIVE if "DELETE" in ticked.get(name, ())]
    return warning(
        "key.danger",
        f"DELETE is ticked for {', '.join(fatal)}" if fatal else "boxes are ticked that lcvsync never uses",
        "who gets hold of the key can delete paid orders and their history for good"
        if fatal
        else "who gets hold of the key can do more harm than needed",
        f"untick in {PAGE}: {_by_methods(ticked)}",
    )


def _by_methods(ticked: Mapping[str, list[str]]) -> str:
    """The boxes in few words: a key with everything ticked has a hundred of them."""
    grouped: dict[str, list[str]] = {}
    for name, methods in sorted(ticked.items()):
        grouped.setdefault(", ".join(methods), []).append(name)
    return "; ".join(f"{methods} of {', '.join(names)}" for methods, names in grouped.items())
