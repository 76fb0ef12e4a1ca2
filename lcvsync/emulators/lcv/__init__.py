"""An LCV back office on loopback, with a generated catalogue."""

from lcvsync.emulators.lcv.catalogue import ODDITIES, generate
from lcvsync.emulators.lcv.emulator import LcvEmulator
from lcvsync.emulators.lcv.state import Catalogue

__all__ = ["ODDITIES", "Catalogue", "LcvEmulator", "generate"]
