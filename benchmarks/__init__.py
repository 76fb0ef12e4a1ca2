"""What lcvsync costs, in requests to the shop first and then in seconds; `python -m benchmarks` prints it."""
