"""How far one gets at the shop's address: address, key, methods, version, clock. Facts → findings.

What answers decides, not the status alone: XML is PrestaShop's own, anything else comes from what stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from lcvsync.ports import ShopIdentity, Sighting
from lcvsync.runner.doctor.facts import Missed, Options, ShopSeen
from lcvsync.runner.doctor.findings import Finding, failure, ok, unknown, warning
from lcvsync.runner.doctor.office import clocks
from lcvsync.secrecy import is_loopback

REFUSED = 4
TEMPORARY = 5
UNAUTHORIZED = 401
KEY_CODES = frozenset({16, 17, 18, 19, 20, 21, 26, 132})
WEBSERVICE_OFF = 22
KEY_PAGE = "Advanced parameters > Webservice"
STRIPPED = (
    "have the web server pass the header on: `CGIPassAuth On` in .htaccess (Apache 2.4.13 or newer); or `RewriteRule .*"
    " - [E=HTTP_AUTHORIZATION:%{HTTP:Authorization}]`; or `SetEnvIf Authorization (.+) HTTP_AUTHORIZATION=$1`."
    f" {KEY_PAGE} has a switch for PHP as CGI. nginx: `fastcgi_param HTTP_AUTHORIZATION $http_authorization;`"
)
"""The cures of a web server that keeps the key to itself."""


def examine(seen: ShopSeen, options: Options) -> Iterator[Finding]:
    """Everything up to the point where the shop tells of itself."""
    yield _https(options.shop_url)
    reached = list(_knock(seen))
    yield from reached
    if not isinstance(seen.knock, Sighting) or not _welcome(seen.knock):
        for check in ("shop.methods", "shop.version", "shop.clock"):
            yield unknown(check, "the shop doesn't let us in")
        return
    yield from _methods(seen)
    yield _version(seen.identity)
    if seen.time is None or seen.asked_at is None:
        yield unknown("shop.clock", "the shop doesn't tell its time")
    else:
        yield clocks("shop.clock", "the shop's", seen.time, seen.asked_at)


def _welcome(sighting: Sighting) -> bool:
    return sighting.xml and sighting.status < 300 and not sighting.codes


def _https(url: str) -> Finding:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return ok("shop.https", "https")
    if is_loopback(host):
        return ok("shop.https", f"http, but {host} is this machine")
    return warning(
        "shop.https",
        f"{url} is spoken to by http",
        "whoever is on the way reads the key, and can write to the shop with it",
        f"set prestashop.url to https://{parts.netloc}{parts.path}, and switch on SSL in the shop if it is off",
    )


def _knock(seen: ShopSeen) -> Iterator[Finding]:
    """Address and key; where the address is wrong nothing can be said of the key."""
    knock = seen.knock
    if isinstance(knock, Missed):
        yield failure("shop.address", knock.error, "no run can reach the shop", knock.cure, knock.exit_code)
        yield unknown("shop.key", "the shop doesn't answer")
    elif 300 <= knock.status < 400:
        yield _moved(knock)
        yield unknown("shop.key", "the address is wrong")
    elif _welcome(knock):
        yield ok("shop.address", "the webservice answers")
        yield ok("shop.key", "it is accepted")
    elif WEBSERVICE_OFF in knock.codes:
        yield _off()
        yield unknown("shop.key", "the webservice is switched off")
    elif knock.xml and KEY_CODES & set(knock.codes):
        yield ok("shop.address", "the webservice answers")
        yield _refused(knock)
    elif knock.status == UNAUTHORIZED and not knock.xml:
        yield from _lost_key(seen.stranger)
    else:
        yield _stranger(knock)
        yield unknown("shop.key", "PrestaShop's webservice doesn't answer")


def _moved(knock: Sighting) -> Finding:
    """PrestaShop sends to its front page, `https://shop/?url=`; a web server to the same path elsewhere."""
    target = urlsplit(knock.location)
    path = re.sub(r"/(api/?)?$", "", target.path)
    own = f"{target.scheme}://{target.netloc}{path}" if target.netloc else ""
    return failure(
        "shop.address",
        f"it is not the shop's own address: it sends to {own or 'another one'}",
        "redirects are never followed: what is written would be lost on the way",
        f"set prestashop.url to {own}" if own else "set prestashop.url to the shop's own address (www, https, port)",
        REFUSED,
    )


def _off() -> Finding:
    return failure(
        "shop.address",
        "the webservice is switched off",
        "nothing can be read or written",
        f"{KEY_PAGE} > Enable PrestaShop's webservice: yes",
        TEMPORARY,
    )


def _refused(knock: Sighting) -> Finding:
    meaning = "every run ends at once with exit code 4"
    if 18 in knock.codes:
        cure = f"copy the key whole, 32 characters, from {KEY_PAGE} into prestashop.key"
    elif 132 in knock.codes:
        cure = f"{KEY_PAGE} > the key > Shop association: tick the shop of prestashop.shop_id"
    else:
        cure = f"compare prestashop.key with {KEY_PAGE}, and see that the key there is enabled"
    return failure("shop.key", f"PrestaShop refuses it (error {knock.codes[0]})", meaning, cure, REFUSED)


def _lost_key(stranger: Sighting | Missed | None) -> Iterator[Finding]:
    """401 and no XML: PrestaShop saw no key, or never saw the request. A key in the address tells which."""
    if isinstance(stranger, Sighting) and stranger.xml:
        yield ok("shop.address", "the webservice answers")
        found = "the key doesn't arrive: the web server or PHP's CGI drops the Authorization header"
    elif isinstance(stranger, Sighting) and stranger.status == UNAUTHORIZED:
        yield failure(
            "shop.address",
            "something in front of the shop asks for a password of its own (401, not PrestaShop's)",
            "the webservice key and that password can't both be sent",
            "let /api/ through without that password (in .htaccess or the proxy), for this machine's address at least",
            REFUSED,
        )
        yield unknown("shop.key", "PrestaShop wasn't reached")
        return
    else:
        yield unknown("shop.address", "it answers 401 without PrestaShop's XML")
        found = "the key doesn't seem to arrive (401 without XML)"
    yield failure("shop.key", found, "every run ends at once with exit code 4", STRIPPED, REFUSED)


def _stranger(knock: Sighting) -> Finding:
    """Something that isn't PrestaShop's webservice."""
    status = knock.status
    if status in {403, 406, 429}:
        found, cure = (
            f"a firewall in front of the shop refuses ({status})",
            "let this machine's address through to /api/",
        )
    elif status == 503:
        found, cure = "the shop is closed for now (503)", "try again when it is open, or let this machine's address in"
    elif status == 404:
        found = "there is no webservice at that address (404)"
        cure = (
            "check prestashop.url; else write .htaccess anew (Shop parameters > Traffic & SEO), or have nginx rewrite"
            " /api/ to /webservice/dispatcher.php?url="
        )
    elif status >= 500:
        found, cure = f"the shop fails ({status})", "look into the error log of the shop's web server and PHP"
    else:
        found, cure = f"what answers is not PrestaShop's webservice ({status})", "check prestashop.url"
    return failure("shop.address", found, "no run can read or write the shop", cure, TEMPORARY)


def _methods(seen: ShopSeen) -> Iterator[Finding]:
    blocked = [name for name, answer in seen.methods.items() if not isinstance(answer, Sighting) or not answer.xml]
    if not seen.methods:
        yield unknown("shop.methods", "not tried")
    elif not blocked:
        yield ok("shop.methods", f"{', '.join(seen.methods)} get through")
    else:
        answers = [seen.methods[name] for name in blocked]
        told = ", ".join(str(a.status) if isinstance(a, Sighting) else "no answer" for a in answers)
        yield failure(
            "shop.methods",
            f"{', '.join(blocked)} doesn't get through to PrestaShop: the web server or a firewall answers ({told})",
            "nothing can be updated in the shop" if "PUT" in blocked else "some changes can't be made",
            f"allow {', '.join(blocked)} for /api/ in the web server (LimitExcept, mod_security) or firewall",
            REFUSED,
        )


def _version(identity: ShopIdentity | Missed | None) -> Finding:
    if not isinstance(identity, ShopIdentity):
        return unknown("shop.version", "the shop doesn't tell")
    version = identity.version
    numbers = tuple(map(int, re.findall(r"\d+", version)[:3]))
    if (1, 7, 8) <= numbers < (9,):
        return ok("shop.version", f"PrestaShop {version}")
    if numbers >= (9,):
        meaning = "nobody tried lcvsync on it yet; something may not work"
        return warning("shop.version", f"PrestaShop {version}", meaning, "try on a copy of the shop first")
    meaning = "lcvsync needs what 1.7.8 brought: order_cart_rules, product_type, stock_availables.location"
    return warning("shop.version", f"PrestaShop {version}", meaning, "update PrestaShop to 1.7.8 or newer")
