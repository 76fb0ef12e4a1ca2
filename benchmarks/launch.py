"""Run a command and write down what it took: `python -I -S launch.py FILE COMMAND...`, run as a file.

A process's peak memory can't be told from that of the one that started it where that is larger: so a small one starts
it. It imports little.
"""

import json
import os
import pathlib
import sys
import time


def main() -> None:
    """The command's standard streams and exit code are this one's."""
    file, *command = sys.argv[1:]
    started = time.time()
    child = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    told = {
        "started": started,
        "seconds": time.time() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }
    pathlib.Path(file).write_text(json.dumps(told), encoding="utf-8")
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
