"""What lcvsync costs, beside the least that carries the same content and beside the usual way; `make bench` shows it.

- `catalogue`, `changes`: what LCV has, and what becomes of it
- `parties`, `world`: the emulated back office and shop in a process of their own, and how they are spoken to
- `measure`, `launch`: a command in a process of its own: seconds, processor, memory
- `scenarios`, `play`: what is measured, and how
- `shop`, `content`: what lcvsync has made there; `bare`, `usual`: the two other ways to carry the same
- `table`: how it is shown, and kept in docs/performance.md
- `check`: requests alone, compared with those that are committed

Nothing here is part of the package.
"""
