"""What `lcvsync demo` needs besides the emulators: a fashion shop to fill, a busy day in LCV, a shop window.

It knows the emulators and nothing of lcvsync's own way of speaking to them; `lcvsync.cli.demo_commands` runs the show.
"""
