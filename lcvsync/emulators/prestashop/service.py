"""The way of a request: host, key, resource, method, work, answer (measured, section 0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from lcvsync.emulators.http import Response
from lcvsync.emulators.prestashop import images, reading, rendering, writing
from lcvsync.emulators.prestashop.call import Call
from lcvsync.emulators.prestashop.faults import CrashedError, NotEmulatedError, RefusedError, did_you_mean
from lcvsync.emulators.prestashop.names import DESCRIPTIONS, FORBIDDEN, MANAGED_APART, METHODS
from lcvsync.emulators.prestashop.stored import php_int

if TYPE_CHECKING:
    from lcvsync.emulators.http import Request
    from lcvsync.emulators.prestashop.model import Resource
    from lcvsync.emulators.prestashop.shop import Key, Shop

_REALM = (
    'Basic realm="Welcome to PrestaShop Webservice, please enter the authentication key as the login. '
    'No password required."'
)
_XML = "text/xml;charset=utf-8"


@dataclass
class Service:
    """The webservice of one shop."""

    shop: Shop
    base_url: str
    version: str

    @property
    def old(self) -> bool:
        """Whether this is a 1.7.8."""
        return self.version.startswith("1.7.")

    def answer(self, request: Request) -> Response:
        """The answer to any request below the shop's URL."""
        if (elsewhere := self._redirected(request)) is not None:
            return elsewhere
        method = (request.parameter("ps_method") or request.method).upper()
        try:
            answer = self._answer(request, method)
        except NotEmulatedError as unknown:
            text = f"The PrestaShop emulator doesn't know: {unknown}\n"
            answer = Response(501, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
        return Response(answer.status, b"", answer.headers) if request.method == "HEAD" else answer

    def _redirected(self, request: Request) -> Response | None:
        """Any other host than the shop's own is sent to the front page, and the API's path is lost (section 0)."""
        own = urlsplit(self.base_url).netloc
        host = request.headers.get("host", own)
        if not own or host == own:
            return None
        path = request.path.removeprefix("/api").lstrip("/")
        pairs = [("url", path), *request.query]
        query = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
        headers = {"Location": f"{self.base_url}?{query}", "Content-Type": "text/html; charset=utf-8"}
        return Response(302, b"", headers)

    def _answer(self, request: Request, method: str) -> Response:
        if request.path != "/api" and not request.path.startswith("/api/"):
            raise NotEmulatedError(f"path {request.path}: only the webservice below /api/ is emulated")
        key = _key_of(request)
        if key is None:
            headers = {"Content-Type": "text/html; charset=utf-8", "WWW-Authenticate": _REALM}
            return Response(401, b"401 Unauthorized", headers)
        segments = [*request.path.removeprefix("/api").removeprefix("/").split("/")]
        call = Call(self.shop, self.base_url, method, [each for each in segments if each] or [""], request, self.old)
        refusal = self._unauthenticated(call, key)
        if refusal is not None:
            return refusal
        return self._worked(call, self.shop.keys[key])

    def _unauthenticated(self, call: Call, key: str) -> Response | None:
        """The refusal of a key: 401 with errors 17 to 21, or 503 with error 22 when the webservice is off."""
        if not self.shop.webservice:
            message = "The PrestaShop webservice is disabled. Please activate it in the PrestaShop Back Office"
            call.add(503, (22, message))
        elif not key:
            call.add(401, (17, "Authentication key is empty"))
        elif len(key) != 32:
            call.add(401, (18, "Invalid authentication key format"))
        elif key not in self.shop.keys or not self.shop.keys[key].active:
            call.add(401, (20, "Authentification key is not active"))
            call.add(401, (21, "No permission for this authentication key"))
        else:
            return None
        extra = {"WWW-Authenticate": _REALM} if call.status == 401 else {}
        return self._response(call, rendering.errors(call.errors).encode(), {**extra, "PSWS-Version": "0"})

    def _worked(self, call: Call, key: Key) -> Response:
        content: str | images.File = ""
        try:
            call.read_parameters()
            self._check_resource(call, key)
            self._check_method(call, key)
            content = self._work(call, key)
        except RefusedError as refusal:
            call.add(refusal.status, (refusal.code, refusal.message))
        except reading.NotFoundError:
            call.status = 404
        except CrashedError:
            return Response(500, b"", {"Content-Type": "text/html; charset=utf-8"})
        if call.errors:
            return self._response(call, rendering.errors(call.errors).encode())
        if isinstance(content, images.File):
            return self._response(call, content.content, {"Content-Type": content.media_type})
        body = content.encode()
        digest = hashlib.sha1(body, usedforsecurity=False).hexdigest()
        if not body:
            return self._response(call, body)
        if call.request.headers.get("local-content-sha1") == digest and not self.old:
            call.status, body = 304, b""
        return self._response(call, body, {"Content-Sha1": digest})

    def _response(self, call: Call, body: bytes, extra: dict[str, str] | None = None) -> Response:
        headers = {"Content-Type": _XML} if body else {}
        headers |= {
            "Set-Cookie": "PrestaShop-emulator=1; path=/; HttpOnly",
            "Access-Time": str(int(self.shop.clock().timestamp())),
            "X-Powered-By": "PrestaShop Webservice",
            "PSWS-Version": self.version,
            "Execution-Time": "0.005",
        }
        return Response(call.status, body, headers | (extra or {}))

    def _resources(self) -> list[str]:
        return sorted(DESCRIPTIONS)

    def _check_resource(self, call: Call, key: Key) -> None:
        name = call.segments[0]
        if not name:
            return
        if name not in DESCRIPTIONS:
            message = did_you_mean(f'Resource of type "{name}" does not exists', name, self._resources())
            raise RefusedError(400, 27, message)
        if key.permissions is not None and name not in key.permissions:
            raise RefusedError(401, 26, f'Resource of type "{name}" is not allowed with this authentication key')

    def _check_method(self, call: Call, key: Key) -> None:
        name, method = call.segments[0], call.method
        if method not in METHODS or (self.old and method == "PATCH"):
            raise RefusedError(405, 23, f"Method {method} is not valid")
        if method in FORBIDDEN.get(name, ()):
            raise RefusedError(405, 101, f"Method {method} is not allowed for the resource {name}")
        if name and key.permissions is not None and method not in key.permissions[name]:
            message = f"Method {method} is not allowed for the resource {name} with this authentication key"
            raise RefusedError(405, 25, message)

    def _work(self, call: Call, key: Key) -> str | images.File:
        name = call.segments[0]
        if not name:
            return self._root(call, key)
        if name == "images":
            return images.manage(call)
        resource = self.shop.resources.get(name)
        if resource is None:
            raise NotEmulatedError(f"resource {name}")
        return _read(call, resource) if call.method in {"GET", "HEAD"} else _write(call, resource)

    def _root(self, call: Call, key: Key) -> str:
        """The resources and methods that the key may use: the permission check of a client (measured, section 0)."""
        shop_name = self.shop.setting("PS_SHOP_NAME").replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        rights = dict.fromkeys(DESCRIPTIONS, METHODS) if key.permissions is None else key.permissions
        entries = "".join(self._root_entry(call, name, rights[name]) for name in self._resources() if name in rights)
        return rendering.document(f'<api shopName="{shop_name}">\n{entries}</api>\n')

    def _root_entry(self, call: Call, name: str, methods: set[str] | frozenset[str]) -> str:
        url = f"{call.api_url}{name}"
        verbs = ["GET", "PUT", "POST", *([] if self.old else ["PATCH"]), "DELETE", "HEAD"]
        rights = "".join(f' {each.lower()}="{str(each in methods).lower()}"' for each in verbs)
        attributes = f'xlink:href="{url}"{rights}'
        schemas = "".join(
            f'<schema xlink:href="{url}?schema={kind}" type="{kind}"/>\n'
            for kind in ("blank", "synopsis")
            if name not in MANAGED_APART
        )
        description = f"<description {attributes}>\n{DESCRIPTIONS[name]}</description>\n"
        return f"<{name} {attributes}>\n{description}{schemas}</{name}>\n"


def _read(call: Call, resource: Resource) -> str:
    if len(call.segments) == 1:
        return reading.read_list(call, resource)
    return reading.read_one(call, resource, php_int(call.segments[1]))


def _write(call: Call, resource: Resource) -> str:
    if resource.read_only or call.method in resource.unknown_writes:
        raise NotEmulatedError(f"{call.method} {resource.name}")
    if call.method == "DELETE":
        writing.delete(call, resource)
        return ""
    return writing.save(call, resource)


def _key_of(request: Request) -> str | None:
    """The key as Basic user, else `ws_key`; None when there is neither."""
    basic = re.fullmatch(r"\s*Basic\s+(.*?)\s*", request.headers.get("authorization", ""), re.IGNORECASE)
    if basic is not None:
        try:
            return base64.b64decode(basic[1]).decode().partition(":")[0].strip()
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return request.parameter("ws_key")
