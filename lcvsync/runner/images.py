"""Photos to images, one by one: fetched from LCV, made fit, sent, bound, past the shop's traps (measured, 7)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lcvsync.domain.catalogue import PhotoId
from lcvsync.errors import BadAnswer, Rejected, Uncertain
from lcvsync.planning.changes import Change
from lcvsync.planning.products import photo_unusable
from lcvsync.ports import BackOffice, Record, Resource, Shop
from lcvsync.runner.batches import SETTLE_SECONDS, Ledger, Task
from lcvsync.runner.photos import Picture, UnusablePhotoError, prepare
from lcvsync.runner.stopping import Stopper
from lcvsync.state.bindings import Bindings
from lcvsync.state.journal import Intent

IMAGES = "images"
"""The name of image uploads among the intents; their highest id is that of the product's images."""


class Images:
    """Uploads and deletions of images."""

    def __init__(
        self,
        shop: Shop,
        back_office: BackOffice,
        bindings: Bindings,
        ledger: Ledger,
        stopper: Stopper,
        limit: int,
        webp: bool,
    ) -> None:
        self._shop = shop
        self._back_office = back_office
        self._bindings = bindings
        self._ledger = ledger
        self._stopper = stopper
        self._limit = limit
        self._webp = webp
        self._highest: dict[int, int] = {}

    def upload(self, tasks: Sequence[Task]) -> None:
        """Send photos in LCV's order: a product's first image becomes its cover."""
        for task in tasks:
            self._stopper.check()
            product = self._bindings.product_id(task.change.product)
            if not product:
                self._ledger.blocked([task])
                continue
            try:
                picture = self._picture(task.change)
            except UnusablePhotoError as error:
                self._unusable(task, str(error))
            except BadAnswer as error:  # LCV hasn't got it: it may come
                self._ledger.failed(task, str(error))
            else:
                self._send(task, product, picture)

    def _picture(self, change: Change) -> Picture:
        content = self._back_office.photo(PhotoId(change.after["photo"]))
        return prepare(change.after["sha256"][:16], content, change.after["sha256"], limit=self._limit, webp=self._webp)

    def _unusable(self, task: Task, why: str) -> None:
        """A bad photo is skipped and reported; it is looked at again when LCV changes it."""
        change = task.change
        skipped = photo_unusable(change.key, why)
        self._ledger.audit.skip(skipped)
        self._ledger.report.skipped.append(skipped)
        with self._ledger.store.transaction():
            self._bindings.add_image(change.product, change.after["photo"], change.after["sha256"], 0, why)
            self._ledger.journal.add_skipped(change.article, skipped, self._ledger.clock.now())
        self._ledger.dropped([task])

    def _send(self, task: Task, product: int, picture: Picture) -> None:
        highest = self._top(task.change.product, product)
        intent = self._ledger.journal.begin(IMAGES, highest, [task.change])
        try:
            image = self._shop.upload_image(product, picture.file_name, picture.content)
        except Rejected as error:
            self._clear_rows(product, highest)
            self._end(intent)
            self._unusable(task, f"the shop refuses it: {error}")
            return
        except Uncertain as error:
            found = self._settled(product, highest)
            if not found:
                self._end(intent)
                self._ledger.failed(task, str(error))
                return
            image = found[0]
        self._bind(task, image, intent)
        self._highest[product] = image

    def _end(self, intent: int) -> None:
        with self._ledger.store.transaction():
            self._ledger.journal.end(intent)

    def _bind(self, task: Task, image: int, intent: int) -> None:
        change = task.change

        def remember() -> None:
            self._bindings.add_image(change.product, change.after["photo"], change.after["sha256"], image)
            self._ledger.journal.end(intent)

        self._ledger.applied([task], remember)

    def _top(self, key: str, product: int) -> int:
        """The highest id of the product's images before an upload; a product made in this run has none."""
        if product not in self._highest:
            fresh = key in self._ledger.made_products
            self._highest[product] = 0 if fresh else max(self._shop.images(product), default=0)
        return self._highest[product]

    def _settled(self, product: int, highest: int) -> list[int]:
        """Images that appeared above *highest*, once the shop has stopped working on the upload."""
        for look in range(2):
            found = [image for image in self._shop.images(product) if image > highest]
            if found:
                return found
            if not look:
                self._ledger.clock.sleep(SETTLE_SECONDS)
        return []

    def _clear_rows(self, product: int, highest: int) -> None:
        """Delete the empty row that a refusal leaves."""
        for image in self._shop.images(product):
            if image > highest:
                self._shop.delete_image(product, image)

    def recover(self, intent: Intent) -> None:
        """Bind the image that an earlier run sent without learning of it."""
        change = intent.changes[0]
        product = self._bindings.product_id(change.product)
        found = self._settled(product, intent.highest) if product else []
        if found:
            self._bind(Task(-1, change), found[0], intent.id)
        else:
            self._end(intent.id)

    def delete(self, tasks: Sequence[Task]) -> None:
        """Remove images of ours, never a cover: it is moved to an image that stays before."""
        for task in tasks:
            self._stopper.check()
            change = task.change
            product = self._bindings.product_id(change.product)
            kept = change.reason == "replaced" and not self._bindings.is_obsolete(change.product, change.id)
            if not product or kept:  # the new one can't be used: the old one stays
                self._ledger.dropped([task])
                continue
            self._move_cover(product, change.product, change.id)
            self._shop.delete_image(product, change.id)
            self._ledger.applied([task], partial(self._bindings.forget_image, change.product, change.id))

    def _move_cover(self, product: int, key: str, image: int) -> None:
        """Without it, the product has no cover and every later upload fails."""
        where = {"id": [product]}
        card = next(iter(self._shop.read(Resource.PRODUCTS, fields=["id_default_image"], where=where)), None)
        if card is None or card.number("id_default_image") not in (0, image):
            return
        others = [
            i
            for i in (*self._bindings.images_of(key), *self._shop.images(product))
            if i != image and not self._bindings.is_obsolete(key, i)
        ]
        if others:
            self._shop.update(Resource.PRODUCTS, [Record(product, {"id_default_image": others[0]})])
            with self._ledger.store.transaction():
                self._bindings.wrote_product(key, {"cover": self._bindings.photo_of(key, others[0])})
