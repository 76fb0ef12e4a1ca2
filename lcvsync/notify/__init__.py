"""How a run tells others how it went: pings, commands, a file for Prometheus. The port is `runner.notices.Messenger`.

Rules of this package: nothing here raises or takes longer than its limit, since a notification must never harm the run
that it tells of; and no message, error or log line names a ping's address, which is a secret.
"""

from __future__ import annotations
