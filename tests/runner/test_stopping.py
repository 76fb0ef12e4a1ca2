"""When a run ends early: time, a signal, a second signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from lcvsync.runner.stopping import BudgetReached, Interrupted, Stopper

from .support import JumpingClock


def test_budget() -> None:
    """The budget counts from the making of the stopper; when it is over every check says so."""
    clock = JumpingClock()
    clock.sleep(1000)
    stopper = Stopper(clock, 270)

    clock.sleep(269)
    stopper.check()
    clock.sleep(1)
    for _ in range(2):
        with pytest.raises(BudgetReached):
            stopper.check()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal(number: signal.Signals) -> None:
    """The first one is a wish: the work in hand goes on, the next check ends the run with its number, HUP as TERM."""
    stopper = Stopper(JumpingClock(), 270)
    before = signal.getsignal(number)

    with stopper.listening():
        stopper.check()
        os.kill(os.getpid(), number)
        with pytest.raises(Interrupted) as stop:
            stopper.check()

    assert stop.value.signal == (signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)
    assert signal.getsignal(number) == before


def test_nohup() -> None:
    """A signal that whoever started the program had ignored stays ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stopper = Stopper(JumpingClock(), 270)
    try:
        with stopper.listening():
            os.kill(os.getpid(), signal.SIGHUP)
            stopper.check()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_afterwards() -> None:
    """Outside the block signals are what they were, also after a failure."""
    stopper = Stopper(JumpingClock(), 270)
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    with pytest.raises(RuntimeError), stopper.listening():
        raise RuntimeError

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("first", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("second", ["SIGINT", "SIGTERM"])
def test_a_second_signal(first: str, second: str) -> None:
    """The second one acts at once, whichever of the two it is."""
    script = f"""
import os, signal, time
from lcvsync.cli.errors import Terminated, terminate
from lcvsync.runner.stopping import Stopper
signal.signal(signal.SIGTERM, terminate)
try:
    with Stopper(time, 99).listening():
        os.kill(os.getpid(), signal.{first})
        print("one", flush=True)
        os.kill(os.getpid(), signal.{second})
        print("two", flush=True)
except (KeyboardInterrupt, Terminated) as error:
    print(type(error).__name__)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["one", "KeyboardInterrupt" if second == "SIGINT" else "Terminated"]


def test_in_another_thread() -> None:
    """Signals are the main thread's: elsewhere the block does nothing."""
    before = signal.getsignal(signal.SIGTERM)
    inside: list[object] = []

    def work() -> None:
        with Stopper(JumpingClock(), 270).listening():
            inside.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert inside == [before]
