"""`lcvsync doctor`: facts are gathered by a thin shell (`gather`, `local`), findings are decided from them, purely.

- `findings`: what a finding is, the list of checks, the exit code
- `facts`: what is gathered; a look that failed is a `Missed`, and never stops another one
- `machine`, `office`, `door`, `boxes`, `shop`, `orders`, `runs`: facts → findings, by subject
- `local`, `gather`: the looks at this machine and the state, and at LCV and the shop

Nothing is written: not to the shop, not to LCV, not to the state, whose schema isn't even brought up to date.
"""

from __future__ import annotations
