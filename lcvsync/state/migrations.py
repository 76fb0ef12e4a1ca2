"""The schema, in numbered migrations; one that was released is never changed.

The tables, by what they hold:

- `meta`: single facts (the mode accepted, fingerprints of options, the shop's settings with their time).
- `feed`, `article`, `variant`, `article_code`, `stock`, `price`, `promotion`, `promotion_target`: the **mirror**, what
  LCV says. `generation` grows when a feed is read again from 0; what the new reading lacks is dropped at its end.
- `mapping`: LCV's code → targets, `ignore` or unset.
- `product`, `bound_variant`, `image`, `obsolete_image`, `specific_price`, `value`: **bindings** and what was
  last written.
- `intent`: a creation under way; what it made is looked for before anything else.
- `planned`: the plan of the run under way, in the order of its risk.
- `shop_order`, `order_sku`, `order_unit`, `issued_voucher`: **orders** as last read, how each stands, what its lines
  are in LCV, and the units that the shop holds for it. No personal data: an order names its customer by id.
- `pending`: units sold that LCV's stock doesn't count yet.
- `document`, `document_unit`: what LCV was told of orders, committed before it is sent, and the units that it moved.
- `customer`: of whom LCV was told: an id, LCV's code and a digest of what was said.
- `availability`: products with files for the shop's pages, and their digest. `article.stale`: they may differ.
- `takeover`: what `takeover scan` saw and proposed, by place of the shop.
- `skipped`, `trouble`: what is not done and why, until it is cured. `run`: the runs and their reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from sqlite_utils import Database

_SET = "lcvsync"


def applied(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The migrations that a database has, the oldest first, as sqlite-utils recorded them."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone():
        return ()
    query = "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY rowid"
    return tuple(str(row[0]) for row in connection.execute(query, (_SET,)))


def pending(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Those that are to come."""
    done = applied(connection)
    return tuple(name for name in MIGRATIONS if name not in done)


def apply(connection: sqlite3.Connection, *, stop_before: str | None = None) -> None:
    """Make those that are to come, each whole or not at all."""
    if not pending(connection):
        return
    from sqlite_utils import Database  # noqa: PLC0415 - start-up time: hardly any run has a migration to make
    from sqlite_utils.migrations import Migrations  # noqa: PLC0415

    migrations = Migrations(_SET)
    for name, script in MIGRATIONS.items():
        migrations(name=name)(_making(script))
    migrations.apply(Database(connection), stop_before=stop_before)


def _making(script: str) -> Callable[[Database], None]:
    def make(db: Database) -> None:
        """One statement after the other: `executescript` would commit the migration's own transaction."""
        for statement in script.split(";"):
            if statement.strip():
                db.execute(statement)

    return make


_CATALOGUE = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE feed (
    name TEXT PRIMARY KEY, cursor INTEGER NOT NULL DEFAULT 0, generation INTEGER NOT NULL DEFAULT 0,
    rereading INTEGER NOT NULL DEFAULT 0, finished INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE article (
    id TEXT PRIMARY KEY, reference TEXT NOT NULL, body TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0,
    generation INTEGER NOT NULL DEFAULT 0, dirty INTEGER NOT NULL DEFAULT 1, next_due TEXT,
    sale TEXT
);
CREATE INDEX article_reference ON article (reference);
CREATE INDEX article_dirty ON article (dirty) WHERE dirty;
CREATE INDEX article_due ON article (next_due) WHERE next_due IS NOT NULL;

CREATE TABLE variant (
    sku TEXT NOT NULL, article TEXT NOT NULL, ean TEXT, active INTEGER NOT NULL, PRIMARY KEY (sku, article)
) WITHOUT ROWID;
CREATE INDEX variant_article ON variant (article);
CREATE INDEX variant_ean ON variant (ean) WHERE ean IS NOT NULL;

CREATE TABLE article_code (
    kind TEXT NOT NULL, code TEXT NOT NULL, article TEXT NOT NULL, PRIMARY KEY (kind, code, article)
) WITHOUT ROWID;
CREATE INDEX article_code_article ON article_code (article);

CREATE TABLE stock (
    sku TEXT NOT NULL, store TEXT NOT NULL, quantity INTEGER NOT NULL, generation INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (sku, store)
) WITHOUT ROWID;

CREATE TABLE price (
    sku TEXT NOT NULL, price_list TEXT NOT NULL, price TEXT, generation INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (sku, price_list)
) WITHOUT ROWID;

CREATE TABLE promotion (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, body TEXT NOT NULL, generation INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE promotion_target (
    kind TEXT NOT NULL, target TEXT NOT NULL, promotion TEXT NOT NULL, PRIMARY KEY (kind, target, promotion)
) WITHOUT ROWID;
CREATE INDEX promotion_target_promotion ON promotion_target (promotion);

CREATE TABLE mapping (
    kind TEXT NOT NULL, code TEXT NOT NULL, label TEXT NOT NULL DEFAULT '', targets TEXT, weight TEXT,
    PRIMARY KEY (kind, code)
) WITHOUT ROWID;

CREATE TABLE product (
    key TEXT PRIMARY KEY, id INTEGER NOT NULL UNIQUE, article TEXT NOT NULL, origin TEXT NOT NULL,
    locked INTEGER NOT NULL DEFAULT 0, ready INTEGER NOT NULL DEFAULT 0, off INTEGER NOT NULL DEFAULT 0,
    hidden INTEGER NOT NULL DEFAULT 0, visibility TEXT, gone INTEGER NOT NULL DEFAULT 0,
    simple INTEGER NOT NULL DEFAULT 0, base_fixed INTEGER NOT NULL DEFAULT 0, default_sku TEXT,
    written TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
CREATE INDEX product_article ON product (article);

CREATE TABLE bound_variant (
    sku TEXT PRIMARY KEY, product TEXT NOT NULL, combination INTEGER NOT NULL, stock_row INTEGER NOT NULL DEFAULT 0,
    written TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
CREATE INDEX bound_variant_product ON bound_variant (product);

CREATE TABLE image (
    product TEXT NOT NULL, photo TEXT NOT NULL, sha256 TEXT NOT NULL, image INTEGER NOT NULL,
    error TEXT NOT NULL DEFAULT '', PRIMARY KEY (product, photo)
) WITHOUT ROWID;
CREATE TABLE obsolete_image (product TEXT NOT NULL, image INTEGER NOT NULL, PRIMARY KEY (product, image)) WITHOUT ROWID;

CREATE TABLE specific_price (
    id INTEGER PRIMARY KEY, product TEXT NOT NULL, sku TEXT, starts TEXT NOT NULL, ends TEXT NOT NULL,
    kind TEXT NOT NULL, value TEXT NOT NULL
);
CREATE INDEX specific_price_product ON specific_price (product);

CREATE TABLE value (
    kind TEXT NOT NULL, parent INTEGER NOT NULL, folded TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (kind, parent, folded)
) WITHOUT ROWID;

CREATE TABLE intent (
    id INTEGER PRIMARY KEY, resource TEXT NOT NULL, highest INTEGER NOT NULL, changes TEXT NOT NULL
);

CREATE TABLE planned (
    lane INTEGER NOT NULL, slice INTEGER NOT NULL, step INTEGER NOT NULL, kind TEXT NOT NULL, action TEXT NOT NULL,
    seq INTEGER NOT NULL, article TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (lane, slice, step, kind, action, seq)
) WITHOUT ROWID;

CREATE INDEX planned_seq ON planned (seq);

CREATE TABLE skipped (
    article TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
    cure TEXT NOT NULL, since TEXT NOT NULL, PRIMARY KEY (article, kind, key, reason)
) WITHOUT ROWID;

CREATE TABLE trouble (
    kind TEXT NOT NULL, key TEXT NOT NULL, article TEXT NOT NULL DEFAULT '', error TEXT NOT NULL, since TEXT NOT NULL,
    times INTEGER NOT NULL DEFAULT 1, retry_at TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE INDEX trouble_article ON trouble (article);

CREATE TABLE run (
    id INTEGER PRIMARY KEY, command TEXT NOT NULL, started_at TEXT NOT NULL, outcome TEXT NOT NULL DEFAULT 'running',
    exit_code INTEGER, report TEXT
);
"""

_ORDERS = """
CREATE TABLE shop_order (
    id INTEGER PRIMARY KEY, reference TEXT NOT NULL, stamp TEXT NOT NULL, body TEXT, status TEXT NOT NULL DEFAULT 'new',
    reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '', cure TEXT NOT NULL DEFAULT '', since TEXT,
    seen TEXT NOT NULL DEFAULT '', seen_at TEXT, refused TEXT, before TEXT, mark TEXT NOT NULL DEFAULT '',
    restocked INTEGER NOT NULL DEFAULT 0, dirty INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX shop_order_reference ON shop_order (reference);
CREATE INDEX shop_order_status ON shop_order (status);
CREATE INDEX shop_order_open ON shop_order (id) WHERE dirty OR seen != '' OR reason != '';
CREATE INDEX shop_order_marked ON shop_order (id) WHERE mark != '';

CREATE TABLE issued_voucher (
    id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, date TEXT NOT NULL, amount TEXT NOT NULL, taxed INTEGER NOT NULL
);
CREATE INDEX issued_voucher_order ON issued_voucher (order_id);

CREATE TABLE order_unit (
    order_id INTEGER NOT NULL, sku TEXT NOT NULL, units INTEGER NOT NULL, counted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (order_id, sku)
) WITHOUT ROWID;
CREATE INDEX order_unit_open ON order_unit (order_id) WHERE NOT counted;

CREATE TABLE order_sku (line INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, sku TEXT NOT NULL);
CREATE INDEX order_sku_order ON order_sku (order_id);

CREATE TABLE pending (sku TEXT PRIMARY KEY, units INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE document (
    id TEXT PRIMARY KEY, order_id INTEGER NOT NULL, ordinal INTEGER NOT NULL, kind TEXT NOT NULL, cause TEXT NOT NULL,
    refers_to TEXT, body TEXT NOT NULL, basis TEXT NOT NULL, recorded INTEGER NOT NULL DEFAULT 0,
    reversed INTEGER NOT NULL DEFAULT 0, sale_number TEXT, stock_revision INTEGER, at TEXT NOT NULL,
    UNIQUE (order_id, ordinal)
) WITHOUT ROWID;
CREATE INDEX document_pending ON document (order_id) WHERE NOT recorded;

CREATE TABLE document_unit (
    document TEXT NOT NULL, sku TEXT NOT NULL, units INTEGER NOT NULL, PRIMARY KEY (document, sku)
) WITHOUT ROWID;

CREATE TABLE customer (
    id INTEGER PRIMARY KEY, digest TEXT NOT NULL DEFAULT '', code TEXT NOT NULL DEFAULT '',
    refused TEXT NOT NULL DEFAULT '', at TEXT NOT NULL
);
"""

_LOOKUPS = """
CREATE INDEX run_running ON run (id) WHERE outcome = 'running';
CREATE INDEX run_started ON run (started_at);
CREATE INDEX product_locked ON product (locked, id) WHERE locked;
CREATE INDEX bound_variant_stock_row ON bound_variant (stock_row) WHERE stock_row > 0;
"""

_AVAILABILITY = """
CREATE TABLE availability (product INTEGER PRIMARY KEY, digest TEXT NOT NULL);
ALTER TABLE article ADD COLUMN stale INTEGER NOT NULL DEFAULT 1;
CREATE INDEX article_stale ON article (id) WHERE stale;
"""

_TAKEOVER = """
CREATE TABLE takeover (
    product INTEGER NOT NULL, combination INTEGER NOT NULL, name TEXT NOT NULL, reference TEXT NOT NULL,
    ean TEXT NOT NULL, product_reference TEXT NOT NULL, special TEXT NOT NULL, standing TEXT NOT NULL,
    sku TEXT NOT NULL, way TEXT NOT NULL, candidates TEXT NOT NULL, why TEXT NOT NULL,
    PRIMARY KEY (product, combination)
) WITHOUT ROWID;
"""

MIGRATIONS = {
    "0001_catalogue": _CATALOGUE,
    "0002_orders": _ORDERS,
    "0003_availability": _AVAILABILITY,
    "0004_takeover": _TAKEOVER,
    "0005_lookups": _LOOKUPS,
}
"""Name → statements, in their order."""
