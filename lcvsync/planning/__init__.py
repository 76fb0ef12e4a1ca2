"""What should be in the shop, decided from values alone: no I/O and no clock."""
