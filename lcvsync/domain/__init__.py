"""The rules between LCV and the shop as pure values and functions: no I/O, no clock, no library of an adapter."""
