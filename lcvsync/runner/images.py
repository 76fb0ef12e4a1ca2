"""Photos to images, one by one: fetched from LCV, made fit, sent, bound, past the shop's traps (measured, 7)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial

from lcvsync.domain.catalogue import PhotoId
from lcvsync.errors import BadAnswer, LcvsyncError, Rejected, Temporary, Uncertain
from lcvsync.planning.changes import Change, Skipped
from lcvsync.planning.photos import photo_unusable
from lcvsync.ports import BackOffice, Record, Resource
from lcvsync.runner.batches import SETTLE_SECONDS, Task
from lcvsync.runner.hands import Hands
from lcvsync.runner.photos import UnusablePhotoError, prepare
from lcvsync.runner.stopping import Stopper, StopRun
from lcvsync.state.journal import Intent

IMAGES = "images"
"""The name of image uploads among the intents; their highest id is that of the product's images."""


class _PhotoUnavailableError(Exception):
    """LCV hasn't got a photo that it announced."""


@dataclass(frozen=True, slots=True)
class _Upload:
    """An upload under way; *highest* is the highest id of the product's images before it."""

    task: Task
    product: int
    highest: int
    intent: int


class Images:
    """Uploads and deletions of images."""

    def __init__(
        self,
        hands: Hands,
        back_office: BackOffice,
        stopper: Stopper,
        limit: int,
        webp: bool,
        parallel: int = 1,
    ) -> None:
        self._hands = hands
        self._shop = hands.shop
        self._bindings = hands.bindings
        self._ledger = hands.ledger
        self._back_office = back_office
        self._stopper = stopper
        self._limit = limit
        self._webp = webp
        self._parallel = parallel
        self._highest: dict[int, int] = {}

    def upload(self, tasks: Sequence[Task]) -> None:
        """Send photos: in LCV's order within a product, whose first image becomes its cover, and products in parallel.

        Only the network is in other threads. Whatever ends the run early lets the uploads under way be bound first.
        """
        waiting: dict[str, deque[Task]] = {}
        for task in tasks:
            waiting.setdefault(task.change.product, deque()).append(task)
        running: dict[Future[int], _Upload] = {}
        stop: Exception | None = None
        with ThreadPoolExecutor(self._parallel) as pool:
            while running or (waiting and stop is None):
                busy = {upload.task.change.product for upload in running.values()}
                ready = [key for key in waiting if key not in busy][: self._parallel - len(running)]
                try:
                    for key in ready if stop is None else ():
                        self._stopper.check()
                        self._start(waiting, key, pool, running)
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        self._finish(running.pop(future), future)
                except (StopRun, LcvsyncError) as error:
                    stop = stop or error
        if stop is not None:
            raise stop

    def _start(
        self, waiting: dict[str, deque[Task]], key: str, pool: ThreadPoolExecutor, running: dict[Future[int], _Upload]
    ) -> None:
        task = waiting[key].popleft()
        if not waiting[key]:
            del waiting[key]
        product = self._bindings.product_id(key)
        if not product:
            self._ledger.blocked([task])
            return
        highest = self._top(key, product)
        intent = self._ledger.journal.begin(IMAGES, highest, [task.change])
        running[pool.submit(self._send, task.change, product)] = _Upload(task, product, highest, intent)

    def _send(self, change: Change, product: int) -> int:
        """Fetch, prepare and upload one photo; runs in a thread, so it touches neither state nor report."""
        try:
            content = self._back_office.photo(PhotoId(change.after["photo"]))
        except BadAnswer as error:
            raise _PhotoUnavailableError(str(error)) from error
        sha256 = change.after["sha256"]
        picture = prepare(sha256[:16], content, sha256, limit=self._limit, webp=self._webp)
        try:
            return self._shop.upload_image(product, picture.file_name, picture.content)
        except Temporary as error:  # a proxy may say so of an upload that was carried out: look before repeating
            raise Uncertain(str(error)) from error

    def _finish(self, upload: _Upload, future: Future[int]) -> None:
        task = upload.task
        try:
            image = future.result()
            if image <= upload.highest:
                raise Uncertain(f"the shop says that it made image {image}, which was there before")
        except UnusablePhotoError as error:
            self._end(upload.intent)
            self._unusable(task, str(error))
        except _PhotoUnavailableError as error:  # it may come
            self._end(upload.intent)
            skipped = Skipped("photo", task.change.key, "photo_unavailable", str(error), "check it in LCV")
            self._ledger.waits(task, skipped)
        except Rejected as error:
            if not list(self._shop.read(Resource.PRODUCTS, fields=["active"], where={"id": [upload.product]})):
                self._end(upload.intent)
                self._hands.gone(task)
                return
            self._clear_rows(upload.product, upload.highest)
            self._end(upload.intent)
            self._unusable(task, f"the shop refuses it: {error}")
        except Uncertain as error:
            self._look_for(upload, str(error))
        except LcvsyncError:  # LCV fails, nothing was sent: what appears in the shop later is not ours
            self._end(upload.intent)
            raise
        else:
            self._bind(task, image, upload.intent)
            self._highest[upload.product] = image

    def _look_for(self, upload: _Upload, error: str) -> None:
        """The answer was lost: adopt the first image that appeared."""
        found = self._settled(upload.product, upload.highest)
        if found:
            self._bind(upload.task, found[0], upload.intent)
            self._highest[upload.product] = max(found)
        else:
            self._end(upload.intent)
            self._ledger.failed(upload.task, error)

    def _unusable(self, task: Task, why: str) -> None:
        """A bad photo is skipped and reported; it is looked at again when LCV changes it."""
        change = task.change
        with self._ledger.store.transaction():
            self._bindings.add_image(change.product, change.after["photo"], change.after["sha256"], 0, why)
        self._ledger.skipped(task, photo_unusable(change.key, why))

    def _end(self, intent: int) -> None:
        with self._ledger.store.transaction():
            self._ledger.journal.end(intent)

    def _bind(self, task: Task, image: int, intent: int) -> None:
        change = task.change

        def remember() -> None:
            self._bindings.add_image(change.product, change.after["photo"], change.after["sha256"], image)
            if not self._bindings.written(change.product).get("cover"):  # a product's first image becomes its cover
                self._bindings.wrote_product(change.product, {"cover": change.after["photo"]})
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
            if not product or self._stays(change):
                self._ledger.dropped([task])
                continue
            self._move_cover(product, change)
            self._shop.delete_image(product, change.id)
            self._ledger.applied([task], partial(self._bindings.forget_image, change.product, change.id))

    def _stays(self, change: Change) -> bool:
        """An image that was to be replaced stays where the new one, or (takeover) every new one, can't be used."""
        key = change.product
        replaced = self._bindings.is_obsolete(key, change.id) and bool(self._bindings.images_of(key))
        return change.reason == "replaced" and not replaced

    def _move_cover(self, product: int, change: Change) -> None:
        """Away from an image that is to be deleted; else the product has no cover and every later upload fails.

        The image that replaced it comes first, then the product's other ones.
        """
        where = {"id": [product]}
        card = next(iter(self._shop.read(Resource.PRODUCTS, fields=["id_default_image"], where=where)), None)
        if card is None or card.number("id_default_image") not in {0, change.id}:
            return
        key = change.product
        newer = self._bindings.image_of(key, change.before["photo"])
        there = self._shop.images(product)
        others = [newer, *self._bindings.images_of(key), *there]
        fits = [i for i in others if i in there and i != change.id and not self._bindings.is_obsolete(key, i)]
        if fits:
            self._shop.update(Resource.PRODUCTS, [Record(product, {"id_default_image": fits[0]})])
            with self._ledger.store.transaction():
                self._bindings.wrote_product(key, {"cover": self._bindings.photo_of(key, fits[0])})
