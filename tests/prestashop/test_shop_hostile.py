"""A shop that answers anything: what isn't as asked is refused by name, and nothing of it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from lcvsync.emulators.http import Request as Received
from lcvsync.emulators.http import Response
from lcvsync.emulators.server import EmulatorServer
from lcvsync.errors import BadAnswer, LcvsyncError, ShopRefused, Uncertain
from lcvsync.ports import Record, Resource, ShopIdentity
from lcvsync.prestashop import WebserviceShop, queries, settings, xml
from lcvsync.prestashop.protocol import Asked, created_ids, decipher
from lcvsync.transport import SHOP, Answer, Transport

READ, CREATE = Asked("GET", "products"), Asked("POST", "products")
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


class Clock:
    """Stands still."""

    def now(self) -> None:
        raise NotImplementedError

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"waited {seconds} s for a shop that isn't busy")


class Liar:
    """A shop that answers every list with *rows* of the ids from the one asked for on, whatever else was asked."""

    def __init__(self, rows: int, field: str = "") -> None:
        self.rows = rows
        self.field = field
        self.asked = 0

    def handle(self, request: Received) -> Response:
        self.asked += 1
        after = dict(request.query).get("filter[id]", "0").strip(">[]")
        first = int(after) + 1 if after.isdigit() else 1
        rows = "".join(f"<order><id>{i}</id>{self.field}</order>" for i in range(first, first + self.rows))
        return Response(200, f"<prestashop><orders>{rows}</orders></prestashop>".encode())

    def control(self, request: Received) -> Response:
        return Response(404)


def read(liar: Liar, **asked: object) -> list[Record]:
    """A list of orders, from a shop that lies."""
    with EmulatorServer(liar) as server, Transport(SHOP, server.url, Clock()) as transport:  # type: ignore[arg-type]
        return list(WebserviceShop(transport, Clock()).read(Resource.ORDERS, **asked))  # type: ignore[arg-type]


class TestLists:
    """Lists that aren't the answer to the question."""

    def test_a_list_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ids that rise for ever are read up to a bound, not for ever."""
        monkeypatch.setattr("lcvsync.prestashop.shop.MOST_RECORDS", 50)
        monkeypatch.setattr(queries, "page_size", lambda *_: 10)
        liar = Liar(10)
        with pytest.raises(BadAnswer, match="list of orders has no end"):
            read(liar, fields=["reference"])
        assert liar.asked == 6

    def test_rows_that_nobody_asked_for(self) -> None:
        """Ids beyond those asked for would be taken for them."""
        with pytest.raises(BadAnswer, match=r"not filtered as asked \(id; id 3\)"):
            read(Liar(3), fields=["reference"], where={"id": [1, 2]})

    def test_rows_of_another_owner(self) -> None:
        """A number that was asked for is compared; a text is compared by the shop alone, by its own rules."""
        field = "<id_customer>7</id_customer><reference>ABC</reference>"
        with pytest.raises(BadAnswer, match=r"not filtered as asked \(id_customer; id 1\)"):
            read(Liar(1, field), fields=["id_customer"], where={"id_customer": [8]})
        assert read(Liar(1, field), fields=["reference"], where={"reference": ["abc"]})

    def test_more_rows_than_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A shop that ignores the limit gives more at once; that is no harm."""
        monkeypatch.setattr(queries, "page_size", lambda *_: 5)
        with pytest.raises(BadAnswer, match="not sorted"):
            read(_Once(9), fields=["reference"])


class _Once(Liar):
    """The same rows again and again."""

    def handle(self, request: Received) -> Response:
        return super().handle(Received("GET", request.path, [], {}, b""))


class TestXml:
    """Documents that are meant to do harm."""

    @pytest.mark.parametrize("space", [0, 600], ids=["at once", "late"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
    @pytest.mark.parametrize("entity", ['"x"', 'SYSTEM "file:///etc/passwd"', 'SYSTEM "http://127.0.0.1:9/"'])
    def test_no_document_type_is_taken(self, space: int, encoding: str, entity: str) -> None:
        """Entities are nowhere replaced, in attributes neither, and no file or address is opened for one."""
        body = f'<?xml version="1.0"?>{" " * space}<!DOCTYPE prestashop [<!ENTITY a {entity}>]>'
        body += '<prestashop><products><product><id>1</id><name a="&lt;">&a;</name></product></products></prestashop>'
        with pytest.raises(xml.UnreadableError):
            xml.parse(body.encode(encoding))

    def test_a_billion_laughs(self) -> None:
        """None is told: what refers to an entity is empty, or the answer is refused."""
        laughs = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "ha" * 500}">' for i in range(12))
        body = f'<!DOCTYPE prestashop [{laughs}]>{" " * 600}<prestashop><a b="&a11;">&a11;</a></prestashop>'
        try:
            found = xml.parse(body.encode())
        except xml.UnreadableError:
            return
        assert b"ha" not in etree.tostring(found)

    @pytest.mark.parametrize(
        "flaw",
        ["<a>" * 300 + "</a>" * 300, "<description>", "<name>" + "x" * 10_100_000 + "</name>"],
        ids=["deep", "mismatched", "long"],
    )
    def test_a_repair_that_hides_records(self, flaw: str) -> None:
        """Where libxml2 would leave out the second record, or put it into the first, the list is refused."""
        rows = f"<product><id>1</id>{flaw}</product><product><id>2</id></product>"
        body = f"{HEAD}<prestashop><products>{rows}</products></prestashop>".encode()
        with pytest.raises(xml.UnreadableError, match="broken XML"):
            xml.parse(body)
        assert xml.parse(body, whole=False) is not None  # the echo of a write says that it was done

    def test_millions_of_elements(self) -> None:
        """Sixty megabytes of tags would be gigabytes of tree: they are counted before they are parsed."""
        with pytest.raises(xml.UnreadableError, match="more than 2000000 elements"):
            xml.parse(b"<prestashop>" + b"<a/>" * (xml.MOST_MARKUP + 1) + b"</prestashop>")

    @given(st.text(alphabet="<>/&;![]?='\"a1 \x00\x0b\ud800é", max_size=60) | st.binary(max_size=60))
    @example("<![CDATA[").via("cut")
    @example("<!DOCTYPE prestashop [<!ENTITY % a SYSTEM 'file:///etc/passwd'> %a;]>").via("parameter entity")
    def test_whatever_stands_between_two_records(self, junk: str | bytes) -> None:
        """Either both records are read as they are, or the answer is refused by the error for that."""
        middle = junk if isinstance(junk, bytes) else junk.encode("utf-8", "surrogatepass")
        ends = [b"<product><id>%d</id></product>" % number for number in (1, 2)]
        body = b"<prestashop><products>" + ends[0] + middle + ends[1] + b"</products></prestashop>"
        try:
            found = xml.entities(xml.parse(body), Resource.PRODUCTS)
        except xml.UnreadableError:
            return
        hidden = b"<!--" in middle or b"<?" in middle or b"<![CDATA[" in middle or b"<product" in middle
        assert [record.id for record in found] == [1, 2] or hidden


FIELDS = st.dictionaries(st.sampled_from(["id_shop", "name", "value", "rate"]), st.text(max_size=12))


class TestValues:
    """Numbers, versions, places and times that aren't."""

    @pytest.mark.parametrize("text", ["1e999999", "NaN", "-Infinity", "9" * 50, "1e-99", "", "1,5", "sNaN", "0x10"])
    def test_numbers_that_cannot_be_reckoned_with(self, text: str) -> None:
        """They would be an error where they are used, or take for ever to be written out."""
        with pytest.raises(BadAnswer, match="where a number is expected"):
            settings.decimal(text)

    @pytest.mark.parametrize("text", ["-100", "1000.5", "-0.1"])
    def test_a_tax_that_prices_cannot_be_reckoned_with(self, text: str) -> None:
        """Minus a hundred percent is a division by zero for every price."""
        with pytest.raises(BadAnswer, match="tax of"):
            settings.vat_rates([Record(1)], [], [Record(1, {"rate": text})])

    @pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/passwd", "Nowhere/Land", "a\0b", "Europe", "é" * 300])
    def test_a_time_zone_that_is_none(self, zone: str) -> None:
        """No path is taken for one, and the shop's setting is named."""
        with pytest.raises(BadAnswer, match="time zone"):
            settings.time_zone({"PS_TIMEZONE": zone})

    @pytest.mark.parametrize("text", ["12.5", "x", "9" * 30, "1_0", "٣", "0x1"])
    def test_a_count_that_is_none(self, text: str) -> None:
        """The record and the field are named."""
        with pytest.raises(BadAnswer, match=r"record 7 has a number \(quantity\)"):
            Record(7, {"quantity": text}).number("quantity")

    def test_an_association_without_ids(self) -> None:
        """The record is named."""
        with pytest.raises(BadAnswer, match="categories of record 7 without id"):
            Record(7, {}, {"categories": ({"position": 1},)}).ids("categories")

    @pytest.mark.parametrize(("version", "webp"), [("8.2.1", True), ("1.7.8", False), ("x", False), ("²", False)])
    def test_a_version_that_is_none(self, version: str, webp: bool) -> None:
        """It counts as an old one."""
        assert ShopIdentity("", version, {}).takes_webp is webp

    @pytest.mark.parametrize(
        "location", ["http://[::1", "//[", "http://\u2100/", "http://u:pw@evil.example/x?ws_key=1"]
    )
    def test_a_redirect_to_nowhere(self, location: str) -> None:
        """It is a wrong address, and no secret of it is shown."""
        with pytest.raises(ShopRefused, match="wrong address") as caught:
            decipher(CREATE, Answer(307, {"location": location}, b"", "POST http://shop/api/products"))
        assert "pw" not in f"{caught.value}{caught.value.cure}"

    @pytest.mark.parametrize("ids", [[5, 5], [5], [5, 6, 7], []])
    def test_ids_that_are_not_those_of_what_was_sent(self, ids: list[int]) -> None:
        """Two records can't have one id: what was made is looked for."""
        made = "".join(f"<product><id>{number}</id></product>" for number in ids)
        answer = Answer(201, {}, f"<prestashop>{made}</prestashop>".encode(), "POST http://shop/api/products")
        with pytest.raises(Uncertain, match="created 2 records"):
            created_ids(CREATE, answer, "product", 2)

    @given(st.lists(FIELDS, max_size=3), st.lists(FIELDS, max_size=3))
    def test_whatever_the_settings_say(self, rows: list[Mapping[str, str]], taxes: list[Mapping[str, str]]) -> None:
        """A value, or the error for an answer that isn't as agreed; rates that prices can be reckoned with."""
        try:
            found = settings.configuration((Record(1, row) for row in rows), 1)
            for read_setting in (settings.required, settings.required_id):
                read_setting(found, "x")
            rates = settings.vat_rates([Record(1)], [], [Record(i, row) for i, row in enumerate(taxes)])
        except LcvsyncError:
            return
        assert all(0 <= rate <= Decimal(1000) for rate in rates.values())
