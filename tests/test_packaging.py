"""What runs lcvsync (systemd units, container, CronJob) fits the program: commands, exit codes, limits, paths."""

from __future__ import annotations

import configparser
import json
import re
import runpy
import shlex
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from lcvsync import __version__
from lcvsync.cli.errors import ExitCode
from lcvsync.cli.main import run
from lcvsync.config import Sync, load

ROOT = Path(__file__).parents[1]
UNITS = ROOT / "packaging" / "systemd"
MAX_SECONDS = Sync().max_seconds
AUDIT = SimpleNamespace(**runpy.run_path(str(ROOT / "packaging" / "audit.py")))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def unit(name: str) -> configparser.ConfigParser:
    """A unit file; of a name that stands there twice the last value."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment, method-assign] # the documented way to keep capitals
    parser.read_string((UNITS / name).read_text(encoding="utf-8"))
    return parser


def seconds(text: str) -> int:
    """A time span that systemd is given in minutes."""
    found = re.fullmatch(r"(\d+)min", text)
    assert found
    return int(found[1]) * 60


def understood(arguments: list[str]) -> bool:
    """Whether lcvsync takes a command line, its help being asked for."""
    return run([*arguments, "--help"]) == ExitCode.DONE


def instruction(name: str) -> str:
    """The last line of the Dockerfile with an instruction."""
    found: list[str] = re.findall(rf"^{name} (.+)$", DOCKERFILE, flags=re.MULTILINE)
    return found[-1]


class TestSystemd:
    """`packaging/systemd`."""

    def test_service(self) -> None:
        """It starts a command that exists, with the state and configuration of its instance."""
        service = unit("lcvsync@.service")["Service"]
        program, *arguments = shlex.split(service["ExecStart"])

        assert program.endswith("/bin/lcvsync")
        assert arguments[:2] == ["-c", "/etc/lcvsync/%i.toml"]
        assert understood(arguments)
        assert (service["Type"], service["StateDirectory"]) == ("oneshot", "lcvsync/%i")

    def test_exit_codes(self) -> None:
        """Only ends after which nothing is wrong are successes."""
        codes = {int(code) for code in unit("lcvsync@.service")["Service"]["SuccessExitStatus"].split()}

        assert codes == {ExitCode.TIME_BUDGET, ExitCode.TERMINATED}

    def test_limits(self) -> None:
        """A run that keeps to `sync.max_seconds` is never ended by systemd."""
        assert seconds(unit("lcvsync@.service")["Service"]["TimeoutStartSec"]) >= 2 * MAX_SECONDS

    def test_timer(self) -> None:
        """Every five minutes, which a default run doesn't exceed, and for every shop at its own second."""
        timer = unit("lcvsync@.timer")["Timer"]

        assert timer["OnCalendar"] == "*:0/5"
        assert MAX_SECONDS < 5 * 60
        assert timer["FixedRandomDelay"] == "yes"  # else two runs might be less than five minutes apart


class TestContainer:
    """`Dockerfile` and `.dockerignore`."""

    def test_python(self) -> None:
        """The image's Python is one that lcvsync is for."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        images = set(re.findall(r"^FROM python:([\d.]+)-slim\b", DOCKERFILE, flags=re.MULTILINE))

        assert len(images) == 1
        assert f"Programming Language :: Python :: {images.pop()}" in project["classifiers"]

    def test_command(self) -> None:
        """It runs a command that exists, as a user that is a number, which `runAsNonRoot` can check."""
        assert json.loads(instruction("ENTRYPOINT")) == ["lcvsync"]
        assert understood(json.loads(instruction("CMD")))
        assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", instruction("USER"))

    def test_context(self) -> None:
        """What is copied exists and reaches the builder; nothing else does."""
        ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        copied = {
            name
            for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, flags=re.MULTILINE)
            for name in line.split()[:-1]
        }

        assert all((ROOT / name).exists() for name in copied)
        assert {line.removeprefix("!") for line in ignore if line.startswith("!")} == copied
        assert "*" in ignore


class TestKubernetes:
    """`packaging/kubernetes/cronjob.yaml`."""

    @pytest.fixture
    def objects(self) -> dict[str, Any]:
        """The manifest's objects, by kind."""
        text = (ROOT / "packaging" / "kubernetes" / "cronjob.yaml").read_text(encoding="utf-8")
        return {each["kind"]: each for each in yaml.safe_load_all(text)}

    def test_job(self, objects: dict[str, Any]) -> None:
        """One run at a time, of this version, as the image's user, long enough, on a root that is read-only."""
        job = objects["CronJob"]["spec"]
        pod = job["jobTemplate"]["spec"]["template"]["spec"]
        [container] = pod["containers"]

        assert job["concurrencyPolicy"] == "Forbid"
        assert job["jobTemplate"]["spec"]["activeDeadlineSeconds"] >= 2 * MAX_SECONDS
        assert understood(container["args"])
        assert container["image"].endswith(f"/lcvsync:{__version__}")
        assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == instruction("USER")
        assert container["securityContext"]["readOnlyRootFilesystem"]

    def test_configuration(self, objects: dict[str, Any], tmp_path: Path) -> None:
        """The configuration is valid; its key and its state lie on what is mounted."""
        pod = objects["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        text = objects["ConfigMap"]["data"]["config.toml"]
        secret = tmp_path / "prestashop-key"
        secret.write_text("K" * 32)
        file = tmp_path / "config.toml"
        file.write_text(text.replace(mounts["secret"], str(tmp_path)))

        settings = load(file, {})

        assert settings.prestashop.key.get_secret_value() == "K" * 32
        assert settings.state.directory.is_relative_to(mounts["state"])


class TestAudit:
    """`packaging/audit.py`, on reports as pip-audit writes them."""

    def test_vulnerability(self, capsys: pytest.CaptureFixture[str]) -> None:
        """One fails, and is named with the version that is without it."""
        bad = {"name": "h11", "version": "0.14.0", "vulns": [{"id": "CVE-2025-43859", "fix_versions": ["0.16.0"]}]}

        assert AUDIT.told({"dependencies": [{"name": "click", "version": "8.1", "vulns": []}, bad]}) == 1
        assert "h11 0.14.0: CVE-2025-43859, fixed in 0.16.0\n2 dependencies audited, 1 known" in capsys.readouterr().out

    def test_unknown_dependency(self, capsys: pytest.CaptureFixture[str]) -> None:
        """One of which nothing is known is counted and named, and fails nothing."""
        known = {"name": "click", "version": "8.1", "vulns": []}

        assert AUDIT.told({"dependencies": [known, {"name": "h11", "skip_reason": "h11 not found"}]}) == 0
        out = capsys.readouterr().out
        assert out.startswith(
            "1 of 2 dependencies could not be audited: h11 not found\n1 dependencies audited, 0 known"
        )

    def test_no_data(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A machine that reaches no data says so, and fails nothing."""
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

        assert AUDIT.main() == 0
        assert "could not be audited: " in capsys.readouterr().out

    def test_dependencies(self) -> None:
        """What is needed by what is needed is looked up too, the tools of development are not."""
        needed = set(AUDIT.needed("lcvsync"))

        assert {"httpx", "h11", "pydantic-core"} <= needed
        assert "pytest" not in needed
