"""Tests of the LCV adapter; a package, so that they share `support`."""
