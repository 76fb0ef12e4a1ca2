"""LCV: the adapter that speaks `docs/lcv-api.yaml`; nothing outside knows that contract."""
