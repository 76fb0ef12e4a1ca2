"""What `lcvsync doctor` asks of the shop's address: who answers, and which methods get through. Nothing is written.

Why `try_method` is harmless, whatever the key may do (measured on 8.2.1 and 1.7.8.11, sections 0, 1 and 4):

- PUT and PATCH carry a `<prestashop>` without children: answered 200, and nothing is done.
- DELETE goes to the quantities, `stock_availables/0`: PrestaShop refuses DELETE for that resource with error 101,
  whatever is ticked, and no row has the id 0.

What matters is who answers: XML is PrestaShop's, anything else comes from the web server, a proxy or a firewall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lcvsync.ports import Sighting
from lcvsync.prestashop.protocol import errors_in
from lcvsync.prestashop.xml import UnreadableError, parse
from lcvsync.transport import Request

if TYPE_CHECKING:
    from lcvsync.transport import Answer, Transport

_NOBODY = "X" * 32
"""A key that no shop has: PrestaShop answers 401 in XML, a web server that asks for a password doesn't."""
_NOTHING = b'<?xml version="1.0" encoding="UTF-8"?>\n<prestashop></prestashop>'


class WebserviceProbe:
    """The port `ShopProbe`: *transport* carries the key, *bare* goes to the same address without it."""

    def __init__(self, transport: Transport, bare: Transport) -> None:
        self._transport = transport
        self._bare = bare

    def knock(self) -> Sighting:
        """`GET /api/` as every run asks it."""
        return _seen(self._transport.send(Request("GET", "/api/", safe=True)))

    def knock_as_stranger(self) -> Sighting:
        """`GET /api/` with a made-up key as `ws_key`: the real one would stand in the web server's log."""
        return _seen(self._bare.send(Request("GET", "/api/", (("ws_key", _NOBODY),), safe=True)))

    def try_method(self, method: str) -> Sighting:
        """Whether *method* gets as far as PrestaShop; see the head of this module for why it does nothing there."""
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        if method == "DELETE":
            return _seen(self._transport.send(Request("DELETE", "/api/stock_availables/0", safe=True)))
        return _seen(self._transport.send(Request(method, "/api/stock_availables", (), headers, _NOTHING, safe=True)))


def _seen(answer: Answer) -> Sighting:
    try:
        root = parse(answer.body)
    except UnreadableError:
        return Sighting(answer.status, answer.headers.get("location", ""))
    codes = tuple(error.code for error in errors_in(root))
    return Sighting(answer.status, answer.headers.get("location", ""), codes, xml=root.tag == "prestashop")
