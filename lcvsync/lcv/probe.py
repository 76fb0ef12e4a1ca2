"""What `lcvsync doctor` asks LCV: certificate, clock and tables, each once and with little patience."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lcvsync.errors import BadAnswer
from lcvsync.lcv import protocol
from lcvsync.lcv.association import transport_for
from lcvsync.lcv.back_office import HttpBackOffice
from lcvsync.lcv.certificate import probe_certificate
from lcvsync.ports import CertificateSeen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lcvsync.domain.catalogue import Tables
    from lcvsync.lcv.association import Association
    from lcvsync.ports import Clock
    from lcvsync.transport import Answer, Limits, Transport


class LcvProbe:
    """The port `BackOfficeProbe` over *transport*, which carries the access key and the pin."""

    def __init__(self, transport: Transport, clock: Clock, limits: Limits) -> None:
        self._transport = transport
        self._office = HttpBackOffice(transport, clock)
        self._limits = limits

    def certificate(self) -> CertificateSeen | None:
        """What is shown at the address; None for plain http."""
        seen = probe_certificate(self._transport.base_url, limits=self._limits)
        return None if seen is None else CertificateSeen(seen.fingerprint, seen.not_after, seen.problem)

    def server_time(self) -> datetime:
        """The `server_time` of the revisions."""
        return self._transport.ask(protocol.revisions(None), _server_time)

    def tables(self) -> Tables:
        """Every parameter table, whole."""
        return self._office.tables()


@contextmanager
def probing(association: Association, clock: Clock, limits: Limits) -> Iterator[LcvProbe]:
    """A probe of the back office of *association*."""
    with transport_for(association, clock, hurry=limits) as transport:
        yield LcvProbe(transport, clock, limits)


def _server_time(answer: Answer) -> datetime:
    data = protocol.read_json(answer, "the newest revisions")
    try:
        time = datetime.fromisoformat(data["server_time"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer(f"{answer.address}: expected a server_time") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
