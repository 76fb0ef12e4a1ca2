"""What can go wrong, as a tree; every class has its exit code and its cure.

```
LcvsyncError                     1  a failure that nobody foresaw better
├── ConfigurationError           2  the TOML file, a mapping, an option: all problems at once
├── NotAssociated                4  no association, or LCV refuses the key
│   └── CertificateChanged       4  the back office shows another certificate than the one accepted
├── ShopRefused                  4  the key, a missing permission, a wrong address
├── Temporary                    5  try again later: network, 429, 503
│   ├── Maintenance              5  the shop or the back office says that it is closed for now
│   └── BadAnswer                5  something answered that isn't LCV or PrestaShop, or not as agreed
├── Held                         6  a guard held a kind of change
├── CursorExpired                –  a feed must be read again from 0 (handled by the runner)
├── Rejected                     3  the shop refused a record (handled: the record is named, the run goes on)
├── SaleRefused                  3  LCV refused a document or a customer
└── Uncertain                    3  a write whose answer was lost or is an error that may hide success
```

Exit codes are those of `docs/exit-codes.md`. A message is one line; *cure* says what the user does next.
"""

from __future__ import annotations


class LcvsyncError(Exception):
    """An expected failure: one line for people, and what to do."""

    exit_code = 1

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


class ConfigurationError(LcvsyncError):
    """Wrong configuration; `problems` are all of them, each with section and key."""

    exit_code = 2

    def __init__(self, message: str, *, problems: tuple[str, ...] = (), cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.problems = problems


class NotAssociated(LcvsyncError):  # noqa: N818 - a state, not an accident
    """There is no association with LCV, or LCV refuses its key (401)."""

    exit_code = 4


class CertificateChanged(NotAssociated):
    """The back office's certificate is not the one that was accepted."""


class ShopRefused(LcvsyncError):  # noqa: N818
    """PrestaShop refuses the key, the resource, the method, or answers under another address."""

    exit_code = 4


class Temporary(LcvsyncError):  # noqa: N818
    """The network or the other side fails for now. *retry_after* is in seconds, when the answer told it."""

    exit_code = 5

    def __init__(self, message: str, *, cure: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, cure=cure)
        self.retry_after = retry_after


class Maintenance(Temporary):
    """The shop's webservice is switched off, or the shop is in maintenance."""


class BadAnswer(Temporary):
    """An HTML page, broken XML or JSON, a missing member: address, record and what was expected."""


class Held(LcvsyncError):  # noqa: N818
    """A guard held a kind of change back."""

    exit_code = 6


class CursorExpired(LcvsyncError):  # noqa: N818
    """LCV dropped old tombstones (410): read the feed again from 0."""


class Rejected(LcvsyncError):  # noqa: N818
    """PrestaShop refused the first bad record of a request; the records before it are saved.

    *code* is PrestaShop's own error code (docs of the webservice: 41 required, 84/85 invalid, 92 unknown id, ...).
    """

    exit_code = 3

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class SaleRefused(LcvsyncError):  # noqa: N818
    """LCV refused a sale, a refund, a reversal or a customer: it kept nothing, and would refuse the same again.

    *code* is that of LCV's contract: `unknown_sku`, `unbalanced`, `idempotency_conflict`, `invalid`, ...
    """

    exit_code = 3

    def __init__(self, code: str, message: str, *, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.code = code


class Uncertain(LcvsyncError):  # noqa: N818
    """A write may or may not have been done: the answer was lost, or is a 5xx. Look before repeating."""

    exit_code = 3
