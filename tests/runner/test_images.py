"""Photos to images: each at most once, past the shop's traps, and nobody else's ever touched."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from lcvsync.domain.catalogue import PhotoId
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.errors import Temporary
from lcvsync.planning.changes import Change
from lcvsync.runner.images import IMAGES

from .support import Workshop, picture, planned, removal, upload, workshop

COLOURS = ("navy", "red", "green", "gold")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workshop]:
    """A shop of 8.2.1 with PrestaShop's demo products, and an empty product A of ours."""
    with workshop(tmp_path) as made:
        made.product_id("A")
        yield made


def shelve(bench: Workshop, *names: str, product: str = "A") -> list[Change]:
    """Photos on LCV's shelf, and the changes that send them."""
    return [
        upload(product, name, bench.shelf.put(name, picture(colour=COLOURS[n % 4], size=(40 + n, 30))))
        for n, name in enumerate(names)
    ]


def send(bench: Workshop, *changes: Change, limit: int = 2_000_000, webp: bool = True) -> None:
    """Upload, as one stage of a run."""
    bench.images(limit=limit, webp=webp).upload(planned(bench, *changes))


def there(bench: Workshop, product: str = "A") -> list[int]:
    """The product's images in the shop."""
    identifier = bench.bindings.product_id(product)
    return [image["id"] for image in bench.dump("images") if image["id_product"] == identifier]


def cover(bench: Workshop, product: str = "A") -> int:
    """The image that the shop shows first."""
    identifier = bench.bindings.product_id(product)
    return next((i["id"] for i in bench.dump("images") if i["id_product"] == identifier and i["cover"]), 0)


def known(bench: Workshop, product: str = "A") -> dict[str, int]:
    """Photo → image, as the state has them."""
    found = bench.bindings.product(product)
    assert found is not None
    return {name: image.image for name, image in found.images.items()}


def by_hand(bench: Workshop, product: str = "A") -> int:
    """A person adds an image in the back office of the shop."""
    return bench.shop.upload_image(bench.bindings.product_id(product), "main.jpg", picture(colour="pink"))


def reasons(bench: Workshop) -> list[str]:
    """Why photos were left out."""
    return [skipped.reason for skipped in bench.report.skipped]


class TestUploads:
    """Every photo is bound, or reported."""

    def test_in_order(self, bench: Workshop) -> None:
        """LCV's order is the shop's, the first is the cover; what was sent is what LCV has."""
        send(bench, *shelve(bench, "face", "dos", "detail"))

        images = there(bench)
        assert known(bench) == dict(zip(("face", "dos", "detail"), images, strict=True))
        assert cover(bench) == images[0]
        sent = {image["id"]: image["sha256"] for image in bench.dump("images")}
        product = bench.bindings.product("A")
        assert product is not None
        assert all(sent[image.image] == image.sha256 for image in product.images.values())
        assert (bench.journal.intents(), bench.journal.count()) == ([], {})
        assert bench.report.changes == {"image": {"create": 3}}

    @pytest.mark.parametrize(
        "content", [b"", b"a text, not a picture", picture()[:300], b"\x89PNG\r\n\x1a\n" + b"\0" * 50], ids=len
    )
    def test_a_bad_photo(self, bench: Workshop, content: bytes) -> None:
        """What is no picture is reported and never sent; the others go on."""
        bad = upload("A", "bad", bench.shelf.put("bad", content))

        send(bench, bad, *shelve(bench, "face"))

        assert (known(bench)["bad"], len(there(bench)), reasons(bench)) == (0, 1, ["photo_unusable"])
        assert bench.report.failed == []

    def test_other_bytes_than_announced(self, bench: Workshop) -> None:
        """A photo whose sha256 isn't LCV's is reported and never sent."""
        bench.shelf.put("face", picture())

        send(bench, upload("A", "face", "0" * 64))

        assert (there(bench), reasons(bench)) == ([], ["photo_unusable"])

    def test_a_refusal_leaves_no_empty_row(self, bench: Workshop) -> None:
        """The row that PrestaShop leaves behind a picture that it refuses is deleted; a person's image isn't."""
        mine = by_hand(bench)
        [change] = shelve(bench, "face")
        bench.fault(Fault(FaultKind.SAVED, method="POST", path="images", status=400, body=REFUSAL))

        send(bench, change)

        assert (there(bench), known(bench)) == ([mine], {"face": 0})
        assert reasons(bench) == ["photo_unusable"]

    def test_too_large(self, bench: Workshop) -> None:
        """A photo over the shop's limit is made smaller; its own sha256 is what is remembered."""
        noise = Image.effect_noise((250, 200), 90).convert("RGB")
        target = io.BytesIO()
        noise.save(target, "PNG")
        change = upload("A", "face", bench.shelf.put("face", target.getvalue()))

        send(bench, change, limit=8_000)

        [sent] = [image for image in bench.dump("images") if image["id"] == there(bench)[0]]
        assert sent["size"] <= 8_000
        product = bench.bindings.product("A")
        assert product is not None
        assert product.images[PhotoId("face")].sha256 == change.after["sha256"]

    def test_webp_before_8(self, tmp_path: Path) -> None:
        """1.7.8 refuses WebP: it gets a JPEG."""
        with workshop(tmp_path, version="1.7.8.11") as bench:
            bench.product_id("A")
            send(bench, upload("A", "face", bench.shelf.put("face", picture("WEBP"))), webp=False)

            assert len(there(bench)) == 1
            assert bench.report.skipped == []

    def test_lcv_has_not_got_it(self, bench: Workshop) -> None:
        """A photo that LCV answers 404 is reported, holds up nothing else, and is tried again later."""
        send(bench, upload("A", "later", "0" * 64), *shelve(bench, "face"))

        assert (list(known(bench)), reasons(bench)) == (["face"], ["photo_unavailable"])
        assert bench.journal.retry_at("A") is not None
        assert bench.journal.intents() == []

    def test_lcv_is_down(self, bench: Workshop) -> None:
        """LCV fails altogether: the run ends. Nothing was sent, so that a person's image isn't taken for it later."""

        def down(name: PhotoId) -> bytes:
            raise Temporary("LCV doesn't answer")

        bench.shelf.photo = down  # type: ignore[assignment,method-assign]
        with pytest.raises(Temporary):
            send(bench, *shelve(bench, "face"))

        assert bench.journal.intents() == []

    def test_no_product(self, bench: Workshop) -> None:
        """Photos of a product that isn't there wait with it."""
        send(bench, *shelve(bench, "face", product="B"))

        assert (bench.shelf.asked, bench.ledger.failed_articles) == ([], {"B"})

    @pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.CUT, FaultKind.SAVED, FaultKind.BROKEN])
    def test_a_lost_answer(self, bench: Workshop, kind: FaultKind) -> None:
        """The image that appeared is adopted; nothing is sent again, and the next one is bound to its own."""
        mine = by_hand(bench)
        bench.fault(Fault(kind, method="POST", path="images"))

        send(bench, *shelve(bench, "face", "dos"))

        assert len(there(bench)) == 3
        assert known(bench) == {"face": mine + 1, "dos": mine + 2}

    def test_a_lost_answer_and_a_person(self, bench: Workshop) -> None:
        """Of several new images the first is adopted; the others are nobody's, also for the next lost answer."""
        listed, calls = bench.shop.images, []

        def look(product: int) -> list[int]:
            calls.append(product)
            if len(calls) == 2:  # the look after the lost answer: a person has added one meanwhile
                by_hand(bench)
            return listed(product)

        changes = shelve(bench, "face", "dos")
        bench.shop.images = look  # type: ignore[method-assign]
        bench.fault(
            Fault(FaultKind.LOST, method="POST", path="images"),
            Fault(FaultKind.STATUS, method="POST", path="images", status=500, skip=1),
        )
        send(bench, *changes)

        assert known(bench) == {"face": min(there(bench))}
        assert len(there(bench)) == 2
        assert [failed.key for failed in bench.report.failed] == ["dos"]

    def test_nothing_arrived(self, bench: Workshop) -> None:
        """The connection was refused: two looks find nothing, the photo is named and tried again later."""
        bench.fault(Fault(FaultKind.STATUS, method="POST", path="images", status=500))

        send(bench, *shelve(bench, "face", "dos"))

        assert ([f.key for f in bench.report.failed], list(known(bench))) == (["face"], ["dos"])

    def test_killed(self, bench: Workshop) -> None:
        """The process died after sending: the next run binds the image; it died before: the intent is forgotten."""
        mine = by_hand(bench)
        [face, dos] = shelve(bench, "face", "dos")
        bench.journal.begin(IMAGES, mine, [face])
        image = by_hand(bench)  # what the killed process had sent
        bench.restart()

        [intent] = bench.journal.intents()
        bench.images().recover(intent)
        bench.journal.begin(IMAGES, image, [dos])
        bench.images().recover(bench.journal.intents()[0])

        assert (known(bench), bench.journal.intents()) == ({"face": image}, [])

    def test_several_products_at_once(self, bench: Workshop) -> None:
        """Products are served in parallel, each in its own order; a bad one holds up none."""
        for key in "BCD":
            bench.product_id(key)
        changes = [
            change for name in ("1", "2") for key in "ABCD" for change in shelve(bench, f"{key}{name}", product=key)
        ]
        changes.insert(2, upload("B", "bad", bench.shelf.put("bad", b"no picture")))
        images = bench.images()
        images._parallel = 3

        images.upload(planned(bench, *changes))

        for key in "ABCD":
            assert [i for n, i in sorted(known(bench, key).items()) if i] == there(bench, key)
            assert len(there(bench, key)) == 2
        assert bench.journal.intents() == []


REFUSAL = """<?xml version="1.0" encoding="UTF-8"?>
<prestashop xmlns:xlink="http://www.w3.org/1999/xlink"><errors><error><code><![CDATA[76]]></code>
<message><![CDATA[An error occurred while copying image]]></message></error></errors></prestashop>"""


class TestRemovals:
    """Images of ours go, the cover is never lost, hand-added ones stay."""

    def replace(self, bench: Workshop, name: str) -> tuple[int, int]:
        """LCV changed a photo: upload the new one, then remove the old one; both images."""
        old = known(bench)[name]
        change = upload("A", name, bench.shelf.put(name, picture(colour="violet")), replaces=old)
        send(bench, change)
        new = known(bench)[name]
        bench.images().delete(planned(bench, removal("A", name, old, "replaced")))
        return old, new

    def test_replaced_cover(self, bench: Workshop) -> None:
        """The cover moves to the new image before the old one goes; uploads go on working (the shop's trap)."""
        send(bench, *shelve(bench, "face", "dos"))

        old, new = self.replace(bench, "face")
        send(bench, *shelve(bench, "plus"))

        assert old not in there(bench)
        assert cover(bench) == new == known(bench)["face"]
        assert len(there(bench)) == 3
        product = bench.bindings.product("A")
        assert product is not None
        assert (list(product.obsolete_images), product.written["cover"]) == ([], "face")

    def test_again_and_again(self, bench: Workshop) -> None:
        """So it does however often photos are replaced and removed."""
        send(bench, *shelve(bench, "face", "dos"))

        for name in ("face", "dos", "face", "face", "dos"):
            self.replace(bench, name)
            assert cover(bench) in there(bench)
        bench.images().delete(planned(bench, removal("A", "face", known(bench)["face"], "gone in LCV")))
        send(bench, *shelve(bench, "plus"))

        assert sorted(known(bench).values()) == there(bench)
        assert cover(bench) in there(bench)

    def test_the_new_one_is_bad(self, bench: Workshop) -> None:
        """Where the new photo can't be used, the old image stays."""
        send(bench, *shelve(bench, "face"))
        old = known(bench)["face"]
        send(bench, upload("A", "face", bench.shelf.put("face", b"no picture"), replaces=old))

        bench.images().delete(planned(bench, removal("A", "face", old, "replaced")))

        assert (there(bench), known(bench)) == ([old], {"face": old})

    def test_gone_in_lcv(self, bench: Workshop) -> None:
        """The last image of ours goes too; a person's stays and becomes the cover, and uploads work."""
        send(bench, *shelve(bench, "face"))
        mine = by_hand(bench)

        bench.images().delete(planned(bench, removal("A", "face", known(bench)["face"], "gone in LCV")))

        assert (there(bench), cover(bench), known(bench)) == ([mine], mine, {})
        send(bench, *shelve(bench, "plus"))
        assert len(there(bench)) == 2

    def test_the_very_last(self, bench: Workshop) -> None:
        """A product may lose all its images; the next upload becomes the cover."""
        send(bench, *shelve(bench, "face"))
        self.replace(bench, "face")

        bench.images().delete(planned(bench, removal("A", "face", known(bench)["face"], "gone in LCV")))
        send(bench, *shelve(bench, "plus"))

        assert (list(known(bench)), cover(bench)) == (["plus"], there(bench)[0])

    def test_an_image_that_a_person_deleted(self, bench: Workshop) -> None:
        """The cover never moves to an image that somebody deleted in the shop: that would lose it for good."""
        send(bench, *shelve(bench, "a", "b", "c"))
        images = known(bench)
        bench.person("delete", resource="images", id=images["b"])

        bench.images().delete(planned(bench, removal("A", "a", images["a"], "gone in LCV")))

        assert cover(bench) == images["c"]
        send(bench, *shelve(bench, "d"))
        assert bench.report.skipped == []

    def test_gone_already(self, bench: Workshop) -> None:
        """Removing what a person removed before is done."""
        send(bench, *shelve(bench, "face", "dos"))
        image = known(bench)["dos"]
        bench.person("delete", resource="images", id=image)

        bench.images().delete(planned(bench, removal("A", "dos", image, "gone in LCV")))

        assert list(known(bench)) == ["face"]
