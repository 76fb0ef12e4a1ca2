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
- `skipped`, `trouble`: what is not done and why, until it is cured. `run`: the runs and their reports.
"""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("lcvsync")


@migrations(name="0001_catalogue")
def _catalogue(db: Database) -> None:
    for statement in _CATALOGUE.split(";"):
        if statement.strip():
            db.execute(statement)


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
