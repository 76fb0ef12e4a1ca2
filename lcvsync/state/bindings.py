"""Which records of the shop are ours and what was last written to them, committed once the shop said yes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.domain.catalogue import PhotoId, Sku
from lcvsync.domain.texts import fold
from lcvsync.planning.known import BoundImage, BoundProduct, BoundPromotion, BoundVariant, Origin, Values

if TYPE_CHECKING:
    from lcvsync.planning.changes import Json
    from lcvsync.state.store import Store

OFF_BY_US = 1
OFF_BY_SOMEONE = 2
"""Values of `product.off`; 0: it was on when we last knew."""
LOCKED_BY_CATEGORY = 2
"""A value of `product.locked`: by `catalogue.lock_category`; 1: by a person's word, 0: not."""

_PRODUCT = "key, id, article, origin, locked, ready, off, hidden, gone, simple, base_fixed, default_sku, written"


class Bindings:
    """LCV's keys and the shop's ids. Writing methods are called inside a transaction of the store."""

    def __init__(self, store: Store) -> None:
        self._sql = store.rows

    # -- products ----------------------------------------------------------------------------------------------------

    def product(self, key: str) -> BoundProduct | None:
        """A product with everything of it that is ours."""
        row = self._sql(f"SELECT {_PRODUCT} FROM product WHERE key = ?", key).fetchone()  # noqa: S608
        return self._load(row) if row else None

    def product_id(self, key: str) -> int:
        """The shop's id of a product; 0 when it isn't there (or was deleted in the shop)."""
        row = self._sql("SELECT id FROM product WHERE key = ? AND NOT gone", key).fetchone()
        return int(row[0]) if row else 0

    def products_of(self, article: str) -> list[BoundProduct]:
        """The products of an article, and those that one of its variants is bound to."""
        rows = self._sql(
            f"SELECT {_PRODUCT} FROM product WHERE article = ?1 OR key IN (SELECT product FROM bound_variant"  # noqa: S608
            " JOIN variant USING (sku) WHERE article = ?1) ORDER BY key",
            article,
        ).fetchall()
        return [self._load(row) for row in rows]

    def sold_elsewhere(self, article: str) -> dict[str, str]:
        """The skus of an article that are another one's, by the article whose they are.

        Several articles may say that they have a variant. It is that one's whose product has it bound, else the first
        one's; deleted articles, and those in which it isn't active, don't count.
        """
        rows = self._sql(
            "SELECT sku, other.article, product.article FROM variant AS own JOIN variant AS other USING (sku)"
            " JOIN article ON article.id = other.article LEFT JOIN bound_variant USING (sku)"
            " LEFT JOIN product ON product.key = bound_variant.product"
            " WHERE own.article = ? AND other.active AND NOT article.deleted ORDER BY other.article",
            article,
        )
        owners: dict[str, str] = {}
        for sku, claimant, bound in rows:
            if claimant == bound or sku not in owners:
                owners[sku] = claimant
        return {sku: owner for sku, owner in owners.items() if owner != article}

    def by_shop_id(self, identifier: int) -> BoundProduct | None:
        """A product by the shop's id."""
        row = self._sql(f"SELECT {_PRODUCT} FROM product WHERE id = ?", identifier).fetchone()  # noqa: S608
        return self._load(row) if row else None

    def product_keys(self, *, gone: bool = False) -> list[tuple[str, int]]:
        """(key, shop's id) of every product of ours, by id; those that the shop deleted only with *gone*."""
        return self._sql("SELECT key, id FROM product WHERE NOT gone OR ? ORDER BY id", gone).fetchall()

    def with_reference(self, reference: str) -> list[str]:
        """Keys of the products that were written with a reference."""
        rows = self._sql(
            "SELECT key FROM product WHERE json_extract(written, '$.reference') = ? ORDER BY id", reference
        )
        return [row[0] for row in rows]

    def has_product(self, identifier: int) -> bool:
        """Whether a product of the shop is ours."""
        return bool(self._sql("SELECT 1 FROM product WHERE id = ? AND NOT gone", identifier).fetchone())

    def references(self) -> list[str]:
        """The references of all our products."""
        return [row[0] for row in self._sql("SELECT json_extract(written, '$.reference') FROM product") if row[0]]

    def _load(self, row: tuple[Json, ...]) -> BoundProduct:
        key, identifier, article, origin, locked, ready, off, hidden, gone, simple, fixed, default, written = row
        return BoundProduct(
            key,
            identifier,
            article,
            Origin(origin),
            bool(locked),
            bool(ready),
            off == OFF_BY_US,
            off == OFF_BY_SOMEONE,
            bool(hidden),
            bool(gone),
            bool(simple),
            bool(fixed),
            Sku(default) if default else None,
            json.loads(written),
            variants={variant.sku: variant for variant in self.variants_of(key)},
            images={image.photo: image for image in self._images(key)},
            promotions=self._promotions(key),
            obsolete_images=[r[0] for r in self._sql("SELECT image FROM obsolete_image WHERE product = ?", key)],
        )

    def variants_of(self, product: str) -> list[BoundVariant]:
        """The variants of a product, by sku."""
        rows = self._sql(
            "SELECT sku, product, combination, stock_row, written FROM bound_variant WHERE product = ? ORDER BY sku",
            product,
        )
        return [BoundVariant(Sku(r[0]), r[1], r[2], r[3], json.loads(r[4])) for r in rows]

    def _images(self, product: str) -> list[BoundImage]:
        rows = self._sql("SELECT photo, sha256, image, error FROM image WHERE product = ?", product)
        return [BoundImage(PhotoId(r[0]), r[1], r[2], r[3]) for r in rows]

    def _promotions(self, product: str) -> list[BoundPromotion]:
        rows = self._sql(
            "SELECT id, sku, starts, ends, kind, value FROM specific_price WHERE product = ? ORDER BY id", product
        )
        return [BoundPromotion(r[0], Sku(r[1]) if r[1] else None, r[2], r[3], r[4], Decimal(r[5])) for r in rows]

    def add_product(
        self,
        key: str,
        identifier: int,
        article: str,
        origin: Origin,
        *,
        written: Mapping[str, Json],
        locked: bool = False,
        simple: bool = False,
    ) -> None:
        """Bind a product; a row of the same key (deleted in the shop) is replaced."""
        self.forget_product(key)
        self._sql(
            "INSERT INTO product (key, id, article, origin, locked, ready, simple, written)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            key,
            identifier,
            article,
            origin,
            locked,
            origin is Origin.LINKED,
            simple,
            json.dumps(written),
        )

    def set_product(self, key: str, **columns: Json) -> None:
        """Change columns of a product."""
        names = ", ".join(f"{name} = ?" for name in columns)
        self._sql(f"UPDATE product SET {names} WHERE key = ?", *columns.values(), key)  # noqa: S608 - names are ours

    def wrote_product(self, key: str, fields: Mapping[str, Json]) -> None:
        """Remember fields as written."""
        self._sql("UPDATE product SET written = json_patch(written, ?) WHERE key = ?", json.dumps(fields), key)

    def written(self, key: str) -> dict[str, Json]:
        """The fields last written to a product."""
        row = self._sql("SELECT written FROM product WHERE key = ?", key).fetchone()
        return json.loads(row[0]) if row else {}

    def visibility(self, key: str) -> str:
        """The visibility that was found when we first wrote `none`."""
        row = self._sql("SELECT visibility FROM product WHERE key = ?", key).fetchone()
        return str(row[0] or "both") if row else "both"

    def rename_product(self, key: str, new: str) -> None:
        """Give a product another key: its article's discriminating attributes changed."""
        for table in ("bound_variant", "image", "obsolete_image", "specific_price"):
            self._sql(f"UPDATE {table} SET product = ? WHERE product = ?", new, key)  # noqa: S608
        self._sql("UPDATE product SET key = ? WHERE key = ?", new, key)

    def forget_product(self, key: str) -> None:
        """Unbind a product and everything of it; the shop isn't touched."""
        for table in ("bound_variant", "image", "obsolete_image", "specific_price"):
            self._sql(f"DELETE FROM {table} WHERE product = ?", key)  # noqa: S608
        self._sql("DELETE FROM product WHERE key = ?", key)

    def locked(self, by: int) -> list[tuple[int, str]]:
        """(shop's id, key) of the products locked by a person (1) or by the category of locks (2)."""
        return self._sql("SELECT id, key FROM product WHERE locked AND locked = ?", by).fetchall()

    def is_locked(self, key: str) -> bool:
        """Whether a product is locked, by whomever."""
        return bool(self._sql("SELECT 1 FROM product WHERE key = ? AND locked", key).fetchone())

    def count(self, *, on: bool = False) -> int:
        """How many products of ours the shop has; *on*: those alone that are finished and that nobody switched off."""
        where = "NOT gone AND ready AND off = 0" if on else "NOT gone"
        return int(self._sql(f"SELECT COUNT(*) FROM product WHERE {where}").fetchone()[0])  # noqa: S608

    def variants_in_stock(self) -> int:
        """How many variants were last written with more than 0."""
        row = self._sql(
            "SELECT COUNT(*) FROM bound_variant JOIN product ON product.key = product"
            " WHERE NOT gone AND json_extract(bound_variant.written, '$.quantity') > 0"
        ).fetchone()
        return int(row[0])

    def stock_rows(self, after: int, until: int | None = None) -> list[tuple[int, str, int | None]]:
        """(stock row, sku, quantity last written) of the products that are still there, *after* < row ≤ *until*."""
        return self._sql(
            "SELECT stock_row, sku, json_extract(bound_variant.written, '$.quantity') FROM bound_variant"
            " JOIN product ON product.key = product"
            " WHERE stock_row > 0 AND stock_row > ?1 AND (?2 IS NULL OR stock_row <= ?2) AND NOT gone",
            after,
            until,
        ).fetchall()

    # -- variants ----------------------------------------------------------------------------------------------------

    def variant(self, sku: str) -> BoundVariant | None:
        """Where a variant stands in the shop."""
        row = self._sql(
            "SELECT sku, product, combination, stock_row, written FROM bound_variant WHERE sku = ?", sku
        ).fetchone()
        return BoundVariant(Sku(row[0]), row[1], row[2], row[3], json.loads(row[4])) if row else None

    def places(self) -> dict[str, tuple[int, int]]:
        """Where every variant stands that is in the shop: its product's id and its combination (0: none)."""
        rows = self._sql("SELECT sku, id, combination FROM bound_variant JOIN product ON product.key = product")
        return {row[0]: (row[1], row[2]) for row in rows}

    def linked_in_part(self) -> list[int]:
        """Ids of the products that have combinations that aren't linked."""
        return [row[0] for row in self._sql("SELECT id FROM product WHERE base_fixed AND NOT gone ORDER BY id")]

    def sku_at(self, product: int, combination: int) -> str:
        """The variant that stands at a product and combination of the shop; "" when none of ours does."""
        row = self._sql(
            "SELECT sku FROM bound_variant JOIN product ON product.key = bound_variant.product"
            " WHERE product.id = ? AND combination = ?",
            product,
            combination,
        ).fetchone()
        return row[0] if row else ""

    def add_variant(
        self, sku: str, product: str, combination: int, *, stock_row: int = 0, written: Mapping[str, Json]
    ) -> None:
        """Bind a variant to a combination, or to a product without combinations (0)."""
        self._sql(
            "INSERT OR REPLACE INTO bound_variant VALUES (?, ?, ?, ?, ?)",
            sku,
            product,
            combination,
            stock_row,
            json.dumps(written),
        )

    def set_stock_row(self, sku: str, row: int, quantity: int) -> None:
        """Remember the id of a variant's stock row and the quantity that it held."""
        self._sql(
            "UPDATE bound_variant SET stock_row = ?, written = json_set(written, '$.quantity', ?) WHERE sku = ?",
            row,
            quantity,
            sku,
        )

    def forget_stock_row(self, sku: str) -> None:
        """The row is no longer a variant's: the next change of its quantity reads which one is."""
        self._sql("UPDATE bound_variant SET stock_row = 0 WHERE sku = ?", sku)

    def wrote_variant(self, sku: str, fields: Mapping[str, Json]) -> None:
        """Remember fields as written."""
        self._sql("UPDATE bound_variant SET written = json_patch(written, ?) WHERE sku = ?", json.dumps(fields), sku)

    def forget_variant(self, sku: str) -> None:
        """Unbind a variant."""
        self._sql("DELETE FROM bound_variant WHERE sku = ?", sku)

    # -- images, specific prices, values -----------------------------------------------------------------------------

    def add_image(self, product: str, photo: str, sha256: str, image: int, error: str = "") -> None:
        """Bind a photo to an image; the one that it replaces is deleted later. *image* 0: unusable, see *error*."""
        old = self._sql("SELECT image FROM image WHERE product = ? AND photo = ?", product, photo).fetchone()
        if old and old[0] and not image:
            image = old[0]
        elif old and old[0] and old[0] != image:
            self._sql("INSERT OR IGNORE INTO obsolete_image VALUES (?, ?)", product, old[0])
        self._sql("INSERT OR REPLACE INTO image VALUES (?, ?, ?, ?, ?)", product, photo, sha256, image, error)

    def forget_photo(self, product: str, photo: str) -> None:
        """A photo counts as never sent."""
        self._sql("DELETE FROM image WHERE product = ? AND photo = ?", product, photo)

    def add_obsolete(self, product: str, images: Iterable[int]) -> None:
        """Images that LCV's photos replace: they are deleted after those were sent."""
        for image in images:
            self._sql("INSERT OR IGNORE INTO obsolete_image VALUES (?, ?)", product, image)

    def image_of(self, product: str, photo: str) -> int:
        """The image of a photo; 0: none."""
        row = self._sql("SELECT image FROM image WHERE product = ? AND photo = ?", product, photo).fetchone()
        return int(row[0]) if row else 0

    def images_of(self, product: str) -> list[int]:
        """The images of a product that are ours."""
        return [row[0] for row in self._sql("SELECT image FROM image WHERE product = ? AND image > 0", product)]

    def photo_of(self, product: str, image: int) -> str:
        """The photo of an image of ours; "" when it is none."""
        row = self._sql("SELECT photo FROM image WHERE product = ? AND image = ?", product, image).fetchone()
        return str(row[0]) if row else ""

    def is_obsolete(self, product: str, image: int) -> bool:
        """Whether a newer image replaced this one."""
        return bool(
            self._sql("SELECT 1 FROM obsolete_image WHERE product = ? AND image = ?", product, image).fetchone()
        )

    def forget_image(self, product: str, image: int) -> None:
        """An image of ours is gone from the shop."""
        self._sql("DELETE FROM image WHERE product = ? AND image = ?", product, image)
        self._sql("DELETE FROM obsolete_image WHERE product = ? AND image = ?", product, image)

    def promotion_ids(self, products: Iterable[str]) -> set[int]:
        """Specific prices of ours on some products."""
        rows = (self._sql("SELECT id FROM specific_price WHERE product = ?", key) for key in products)
        return {row[0] for cursor in rows for row in cursor}

    def add_promotion(self, identifier: int, product: str, sku: str, fields: Mapping[str, Json]) -> None:
        """Bind a specific price."""
        self._sql(
            "INSERT OR REPLACE INTO specific_price VALUES (?, ?, ?, ?, ?, ?, ?)",
            identifier,
            product,
            sku or None,
            fields["starts"],
            fields["ends"],
            fields["kind"],
            fields["value"],
        )

    def forget_promotions(self, identifiers: Iterable[int]) -> None:
        """Specific prices of ours are gone from the shop."""
        for identifier in identifiers:
            self._sql("DELETE FROM specific_price WHERE id = ?", identifier)

    def values(self) -> Values:
        """The values that are known."""
        return {(r[0], r[1], r[2]): r[3] for r in self._sql("SELECT kind, parent, folded, id FROM value")}

    def add_value(self, kind: str, parent: int, name: str, identifier: int) -> None:
        """Bind a value by its name as the shop's database compares it; the first spelling stays."""
        self._sql("INSERT OR IGNORE INTO value VALUES (?, ?, ?, ?)", kind, parent, fold(name), identifier)

    def forget_values(self, kind: str, identifiers: Iterable[int]) -> None:
        """Values that are gone from the shop."""
        for identifier in identifiers:
            self._sql("DELETE FROM value WHERE kind = ? AND id = ?", kind, identifier)

    def has_combinations(self) -> bool:
        """Whether a variant of ours is a combination of the shop."""
        return bool(self._sql("SELECT 1 FROM bound_variant WHERE combination LIMIT 1").fetchone())

    def replace_values(self, kind: str, parents: Sequence[int], found: Iterable[tuple[int, str, int]]) -> None:
        """What the shop has now of some groups, as (parent, name, id): values that it lost are forgotten."""
        for parent in parents:
            self._sql("DELETE FROM value WHERE kind = ? AND parent = ?", kind, parent)
        for parent, name, identifier in found:
            self.add_value(kind, parent, name, identifier)
