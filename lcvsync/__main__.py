"""`python -m lcvsync` is `lcvsync`."""

from lcvsync.cli.main import main

main()
