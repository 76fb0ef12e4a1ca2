"""Look up known vulnerabilities of what lcvsync needs to run (`make audit`).

The versions are those that are installed here, with what they need in turn and without the tools of development.
A vulnerability fails. What can't be looked up is named and fails nothing: there are machines that don't reach pypi.org.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import distribution
from typing import Any

from packaging.requirements import Requirement

SECONDS = 60


class NoReportError(Exception):
    """pip-audit isn't installed, or doesn't reach its data."""


def main() -> int:
    """Print what was found; 1 for a vulnerability."""
    try:
        return told(audited(needed("lcvsync")))
    except NoReportError as error:
        print(f"dependencies could not be audited: {error}")
        return 0


def needed(name: str) -> dict[str, str]:
    """The versions of what an installed distribution needs on this machine, and of what that needs."""
    versions: dict[str, str] = {}
    left = [name]
    while left:
        for requirement in map(Requirement, distribution(left.pop()).requires or ()):
            wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if wanted and requirement.name.lower() not in versions:
                versions[requirement.name.lower()] = distribution(requirement.name).version
                left.append(requirement.name)
    return versions


def audited(versions: Mapping[str, str]) -> dict[str, Any]:
    """pip-audit's report on these versions; `NoReportError` where there is none within a minute."""
    options = "--no-deps --disable-pip --format json --timeout 5 --progress-spinner off --requirement /dev/stdin"
    try:
        done = subprocess.run(  # noqa: S603 - a module of this environment
            [sys.executable, "-m", "pip_audit", *options.split()],
            input="".join(f"{name}=={version}\n" for name, version in versions.items()),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        report: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise NoReportError(f"no answer within {SECONDS} s") from None
    except json.JSONDecodeError:
        raise NoReportError((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]) from None
    return report


def told(report: Mapping[str, Any]) -> int:
    """Print a report of pip-audit; 1 if it has a vulnerability."""
    packages = report["dependencies"]
    skipped = [package["skip_reason"] for package in packages if "skip_reason" in package]
    found = [(package, each) for package in packages for each in package.get("vulns", ())]
    for package, each in found:
        fixed = ", ".join(each["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {each['id']}, fixed in {fixed}")
    if skipped:
        print(f"{len(skipped)} of {len(packages)} dependencies could not be audited: {skipped[0]}")
    print(f"{len(packages) - len(skipped)} dependencies audited, {len(found)} known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
