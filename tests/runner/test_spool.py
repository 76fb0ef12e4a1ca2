"""Lists that are longer than memory has room for."""

from __future__ import annotations

import pytest

from lcvsync.runner import spool
from lcvsync.runner.spool import Spool


@pytest.mark.parametrize("room", [0, 10**6])
def test_as_a_list(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory or in a file, it is read whole and in order, again and again, and grows at its end."""
    monkeypatch.setattr(spool, "IN_MEMORY", room or 1)
    values = [{"text": "Écru\ud800\nnoir", "number": number} for number in range(50)]
    found = Spool(values[:20])

    assert next(iter(found)) == values[0]
    found.extend(iter(values[20:49]))
    found.append(values[49])

    assert (list(found), list(found), len(found)) == (values, values, 50)
    assert not Spool()
