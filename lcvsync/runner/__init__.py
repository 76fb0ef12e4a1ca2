"""One run: observe, plan, apply, record, report. It knows the ports, never an adapter."""
