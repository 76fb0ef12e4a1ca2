"""A PrestaShop webservice, spoken to in as few lines as it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import httpx
from lxml import etree

SIZES = {"products": 100, "combinations": 500, "stock_availables": 1000}
"""As many to a request: what a shop takes within usual limits (measured, section 1)."""
T = TypeVar("T")


class Shop:
    """A shop's webservice; every request is counted."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url.rstrip("/"), key
        self.requests = 0
        self._client = httpx.Client(base_url=f"{self.url}/api/", auth=(key, ""), trust_env=False, timeout=600)

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def read(self, resource: str, **query: str) -> list[etree._Element]:
        """The records of a list, by id."""
        root = self._ask("GET", resource, params={"sort": "[id_ASC]", **query})
        return list(root[0]) if len(root) else []

    def write(self, method: str, resource: str, records: Sequence[etree._Element]) -> list[etree._Element]:
        """Send *records* in bodies as large as the shop takes; the answers, in the same order."""
        answers: list[etree._Element] = []
        for some in slices(records, SIZES[resource]):
            body = b"<prestashop>" + b"".join(map(etree.tostring, some)) + b"</prestashop>"
            answers += self._ask(method, resource, content=body)
        return answers

    def upload(self, product: str, photo: bytes) -> str:
        """Add a photo; its id."""
        root = self._ask("POST", f"images/products/{product}", files={"image": ("photo.jpg", photo)})
        return root.findtext("image/id") or ""

    def photo(self, product: str, image: str) -> bytes:
        """A product's photo."""
        return self._client.get(f"images/products/{product}/{image}").content

    def delete_products(self, ids: Sequence[str]) -> None:
        """Undo a copy."""
        for some in slices(ids, SIZES["products"]):
            self._client.delete("products", params={"id": f"[{','.join(some)}]"}).raise_for_status()

    def _ask(self, method: str, path: str, **more: object) -> etree._Element:
        self.requests += 1
        answer = self._client.request(method, path, **more)  # type: ignore[arg-type]  # httpx's own keywords
        if answer.is_error:
            raise RuntimeError(f"the shop refuses {method} {path}: {answer.text[:500]}")
        return etree.fromstring(answer.content, etree.XMLParser(huge_tree=True))


def slices(records: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The records, so many at a time."""
    return (records[start : start + size] for start in range(0, len(records), size))


def id_of(row: etree._Element) -> str:
    """A record's id."""
    return row.findtext("id", "")
