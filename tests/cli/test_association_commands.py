"""`lcvsync associate`, `dissociate`, `adopt` and `pull-config`, as typed, against emulators on loopback."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from lcvsync.cli.errors import ExitCode
from lcvsync.cli.main import run
from lcvsync.domain.catalogue import Feed
from lcvsync.emulators.http import Request
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.prestashop import PrestaShopEmulator
from lcvsync.emulators.server import EmulatorServer
from lcvsync.emulators.tls import CertificateKind, ServerTls, make_tls
from lcvsync.lcv import association
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store, open_store, run_lock

KEY = "ASSOCIATEASSOCIATEASSOCIATEASSOC"
PASSWORD = "p4ssw0rd-é"
OTHER = ":".join(["AB"] * 32)
Captured = pytest.CaptureFixture[str]
Type = Callable[..., None]


def back_office(name: str = "Boutiques Martin") -> LcvEmulator:
    """A back office with a few articles."""
    now = datetime.now(UTC)
    return LcvEmulator(catalogue=generate(1, 12, now=now), username="martin", password=PASSWORD,
                       clock=lambda: datetime.now(UTC), name=name)  # fmt: skip


@pytest.fixture(scope="module")
def lcv() -> Iterator[EmulatorServer]:
    """LCV over plain http on loopback."""
    with EmulatorServer(back_office()) as server:
        yield server


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ServerTls:
    """A certificate that nobody signed."""
    return make_tls(CertificateKind.SELF_SIGNED, tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure(tls: ServerTls) -> Iterator[EmulatorServer]:
    """LCV over https with that certificate."""
    with EmulatorServer(back_office(), tls=tls) as server:
        yield server


@pytest.fixture(scope="module")
def shop() -> Iterator[EmulatorServer]:
    """A shop."""
    with EmulatorServer(PrestaShopEmulator(key=KEY)) as server:
        yield server


class Place:
    """The working directory of a test: a configuration and a state."""

    def __init__(self, lcv_url: str, shop_url: str) -> None:
        self.state = Path("state").absolute()
        self.urls = (lcv_url, shop_url)
        self.configure()

    def configure(self, more: str = "", key: str = KEY) -> None:
        """Write the configuration."""
        text = (
            '[lcv]\nurl = "{}"\nweb_store = "WEB"\n[prestashop]\nurl = "{}"\nkey = "{}"\n[state]\ndirectory = "state"\n'
        )
        Path("lcvsync.toml").write_text(text.format(*self.urls, key) + more, encoding="utf-8")

    def open(self) -> Store:
        """Its state."""
        return open_store(self.state)

    def kept(self) -> association.Association:
        """Its association."""
        return association.load(self.state)


@pytest.fixture
def place(lcv: EmulatorServer, shop: EmulatorServer, _isolated: None) -> Place:
    """A configuration for the plain back office and the shop."""
    lcv.requests.clear()
    return Place(lcv.url, shop.url)


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Type:
    """Give lines to standard input, which is a terminal's or (*piped*) isn't."""

    def give(*lines: str, piped: bool = False) -> None:
        answers = iter(lines)
        stdin = io.TextIOWrapper(io.BytesIO("".join(f"{line}\n" for line in lines).encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(stdin, "isatty", lambda: not piped)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: not piped)

        def answer(prompt: str = "") -> str:
            click.echo(prompt, err=True)
            return next(answers)

        monkeypatch.setattr(click.termui, "visible_prompt_func", answer)
        monkeypatch.setattr(click.termui, "hidden_prompt_func", answer)

    return give


def associate(*more: str) -> int:
    """`lcvsync associate` as scripts run it."""
    return run(["associate", "--username", "martin", "--password-stdin", *more])


class TestAssociate:
    """`lcvsync associate`."""

    def test_script(self, place: Place, type_in: Type, capsys: Captured) -> None:
        """Options and a password on standard input are enough; the key is kept, the secrets are never shown."""
        type_in(PASSWORD, piped=True)

        assert associate() == 0
        out, err = capsys.readouterr()
        kept = place.kept()
        assert (out, kept.name, kept.fingerprint) == ("", "Boutiques Martin", None)
        assert "associated with Boutiques Martin" in err
        assert err.endswith("next: lcvsync pull-config\n")
        assert PASSWORD not in err
        assert kept.access_key not in err

    def test_questions(self, place: Place, type_in: Type, capsys: Captured) -> None:
        """At a terminal what lacks is asked; the address of the configuration is the default."""
        type_in("", "martin", PASSWORD)

        assert run(["associate"]) == 0
        assert place.kept().url == place.urls[0]
        assert PASSWORD not in capsys.readouterr().err

    def test_a_script_is_not_asked(self, place: Place, lcv: EmulatorServer, type_in: Type, capsys: Captured) -> None:
        """Every option that lacks is named before anybody is contacted."""
        type_in(piped=True)

        assert run(["associate"]) == ExitCode.USAGE
        assert "Missing --username and --password-stdin" in capsys.readouterr().err
        assert lcv.requests == []

    def test_an_untrusted_certificate_is_shown(
        self, place: Place, secure: EmulatorServer, tls: ServerTls, type_in: Type, capsys: Captured
    ) -> None:
        """Who accepts it pins it; subject, issuer, dates, fingerprint and the reason are what there is to judge by."""
        type_in("y", "martin", PASSWORD)

        assert run(["associate", "--url", secure.url]) == 0
        err = capsys.readouterr().err
        assert place.kept().fingerprint == tls.fingerprint
        for words in ("self-signed", "CN=localhost", "subject", "issuer", "valid", tls.fingerprint):
            assert words in err
        assert f"lcv.url in the configuration is {place.urls[0]}; lcvsync will talk to {secure.url}" in err

    def test_a_refused_certificate(self, place: Place, secure: EmulatorServer, type_in: Type, capsys: Captured) -> None:
        """No is the default, and ends it before the password was asked."""
        secure.requests.clear()
        type_in("")

        assert run(["associate", "--url", secure.url]) == ExitCode.REFUSED
        assert "the certificate was not accepted; nothing was sent" in capsys.readouterr().err
        assert secure.requests == []
        assert not (place.state / association.FILE_NAME).exists()

    def test_scripts_name_the_fingerprint(
        self, place: Place, secure: EmulatorServer, tls: ServerTls, type_in: Type, capsys: Captured
    ) -> None:
        """Without it an untrusted certificate is exit 4, naming the option; with it, in any spelling, it is pinned."""
        type_in(PASSWORD, piped=True)
        assert associate("--url", secure.url) == ExitCode.REFUSED
        assert f"--fingerprint {tls.fingerprint}" in capsys.readouterr().err

        type_in(PASSWORD, piped=True)
        spelling = tls.fingerprint.replace(":", "").lower()
        assert associate("--url", secure.url, "--fingerprint", spelling) == 0
        assert place.kept().fingerprint == tls.fingerprint

    def test_another_fingerprint(
        self, place: Place, secure: EmulatorServer, tls: ServerTls, type_in: Type, capsys: Captured
    ) -> None:
        """It is exit 4 with both fingerprints, and not one request is sent."""
        secure.requests.clear()
        type_in(PASSWORD, piped=True)

        assert associate("--url", secure.url, "--fingerprint", OTHER) == ExitCode.REFUSED
        err = capsys.readouterr().err
        assert (OTHER in err, tls.fingerprint in err) == (True, True)
        assert secure.requests == []

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--fingerprint", OTHER], "plain http shows no certificate"),
            (["--fingerprint", "AB"], "64 hexadecimal digits"),
            (["--url", "http://192.0.2.1"], "--allow-http"),
            (["--url", "ftp://x"], "this is no address"),
        ],
    )
    def test_what_makes_no_sense(
        self, place: Place, type_in: Type, capsys: Captured, arguments: list[str], words: str
    ) -> None:
        """Wrong options are exit 2, with what would be right."""
        type_in(PASSWORD, piped=True)

        assert associate(*arguments) == ExitCode.USAGE
        assert words in capsys.readouterr().err

    @pytest.mark.parametrize(("password", "code"), [("wrong", ExitCode.REFUSED), ("", ExitCode.USAGE)])
    def test_a_wrong_password(
        self, place: Place, type_in: Type, capsys: Captured, password: str, code: ExitCode
    ) -> None:
        """It is refused and not repeated; an empty one isn't even sent."""
        type_in(password, piped=True)

        assert associate() == code
        assert "wrong " not in capsys.readouterr().err.replace("several wrong ones", "")

    def test_disabled(self, place: Place, lcv: EmulatorServer, type_in: Type, capsys: Captured) -> None:
        """A switched off synchronisation speaks to nobody, unless told so."""
        place.configure("[sync]\nenabled = false\n")
        type_in(PASSWORD, piped=True)

        assert associate() == ExitCode.USAGE
        assert "--even-if-disabled" in capsys.readouterr().err
        assert lcv.requests == []
        assert associate("--even-if-disabled") == 0

    def test_while_a_run_is_going_on(self, place: Place, lcv: EmulatorServer, type_in: Type, capsys: Captured) -> None:
        """The run's key isn't taken from it."""
        type_in(PASSWORD, piped=True)
        with run_lock(place.state) as ours:
            assert ours
            assert associate() == ExitCode.TEMPORARY

        assert "another run is under way" in capsys.readouterr().err
        assert lcv.requests == []

    def test_another_back_office(self, place: Place, type_in: Type, capsys: Captured) -> None:
        """What was read from the one before counts no more: every feed is read from 0 again."""
        type_in(PASSWORD, piped=True)
        associate()
        assert run(["pull-config"]) == 0
        capsys.readouterr()
        with EmulatorServer(back_office("Autres")) as other:
            type_in(PASSWORD, piped=True)
            assert associate("--url", other.url) == 0

        err = capsys.readouterr().err
        assert "this replaces the association with Boutiques Martin" in err
        assert "everything will be read from it anew" in err
        store = place.open()
        assert [Mirror(store).cursor(feed) for feed in Feed] == [0] * 5
        store.close()


@pytest.fixture
def associated(place: Place, type_in: Type, capsys: Captured) -> Place:
    """A place that is associated."""
    type_in(PASSWORD, piped=True)
    assert associate() == 0
    capsys.readouterr()
    return place


class TestDissociate:
    """`lcvsync dissociate`."""

    def revocations(self, lcv: EmulatorServer) -> int:
        """How often LCV was asked to revoke a key."""
        return sum(1 for request in lcv.requests if request.method == "DELETE")

    def test_a_copy_only_forgets(self, associated: Place, lcv: EmulatorServer, capsys: Captured) -> None:
        """A state that isn't adopted leaves the original's key alone, and says that it is still valid."""
        assert run(["dissociate"]) == 0
        assert "still valid" in capsys.readouterr().err
        assert not (associated.state / association.FILE_NAME).exists()
        assert self.revocations(lcv) == 0

        assert run(["dissociate"]) == 0
        assert "there was no association" in capsys.readouterr().err

    def test_an_adopted_state_revokes(self, associated: Place, lcv: EmulatorServer, capsys: Captured) -> None:
        """LCV forgets the key, then the state does."""
        run(["adopt", "--yes"])
        assert run(["dissociate"]) == 0
        assert "Boutiques Martin has revoked the access key" in capsys.readouterr().err
        assert self.revocations(lcv) == 1

    def test_adopted_by_another_shop(self, associated: Place, lcv: EmulatorServer) -> None:
        """A state that was copied together with its adoption belongs to the other shop still."""
        run(["adopt", "--yes"])
        associated.configure(key="COPYCOPYCOPYCOPYCOPYCOPYCOPYCOPY")

        assert run(["dissociate"]) == 0
        assert self.revocations(lcv) == 0

    def test_options(self, associated: Place, lcv: EmulatorServer, type_in: Type) -> None:
        """--revoke insists; --local never asks LCV."""
        assert run(["dissociate", "--revoke"]) == 0
        assert self.revocations(lcv) == 1

        type_in(PASSWORD, piped=True)
        associate()
        run(["adopt", "--yes"])
        assert run(["dissociate", "--local"]) == 0
        assert self.revocations(lcv) == 1

    def test_disabled(self, associated: Place, lcv: EmulatorServer, capsys: Captured) -> None:
        """Switched off, LCV isn't asked; forgetting here goes."""
        associated.configure("[sync]\nenabled = false\n")

        assert run(["dissociate", "--revoke"]) == ExitCode.USAGE
        assert "--local" in capsys.readouterr().err
        assert self.revocations(lcv) == 0
        assert run(["dissociate", "--local"]) == 0


class TestAdopt:
    """`lcvsync adopt`."""

    def adopted(self, place: Place) -> dict[str, object] | None:
        """What is recorded."""
        store = place.open()
        found: dict[str, object] | None = store.get("adopted")
        store.close()
        return found

    def test_records_the_shop(self, associated: Place, capsys: Captured) -> None:
        """Address, shop, key (as a hash), name, version and time, shown as recorded."""
        assert run(["adopt", "--yes"]) == 0
        found = self.adopted(associated)
        assert found is not None
        assert set(found) == {"url", "shop_id", "key_sha256", "name", "version", "association", "at", "start_id"}
        assert (found["url"], found["shop_id"], found["version"]) == (associated.urls[1], 1, "8.2.1")
        out = capsys.readouterr().out
        assert str(found["key_sha256"]) in out
        assert KEY not in out

    def test_asks(self, associated: Place, type_in: Type, capsys: Captured) -> None:
        """A person is shown the shop first; no, the default, records nothing; a script must say --yes."""
        type_in("")
        assert run(["adopt"]) == ExitCode.INTERRUPTED
        assert "PrestaShop 8.2.1" in capsys.readouterr().err
        type_in(piped=True)
        assert run(["adopt"]) == ExitCode.USAGE
        assert "--yes" in capsys.readouterr().err
        assert self.adopted(associated) is None

        type_in("y", "")
        assert run(["adopt"]) == ExitCode.INTERRUPTED, "another program may still export its orders"
        assert self.adopted(associated) is None

        type_in("y", "y")
        assert run(["adopt"]) == 0
        assert self.adopted(associated) is not None

    def test_several_shops(self, associated: Place, capsys: Captured) -> None:
        """Where more than one shop is active the configuration must name one of them."""
        emulator = PrestaShopEmulator(key=KEY)
        body = json.dumps({"resource": "shops", "fields": {"name": "Second", "active": "1"}}).encode()
        emulator.control(Request("POST", "/_emulator/shop/create", [], {}, body))
        with EmulatorServer(emulator) as server:
            Place(associated.urls[0], server.url)

            assert run(["adopt", "--yes"]) == ExitCode.USAGE
        assert (
            "prestashop.shop_id: is needed, since several shops are active; active are: 1, 2" in capsys.readouterr().err
        )


class TestPullConfig:
    """`lcvsync pull-config`."""

    def test_summary(self, associated: Place, capsys: Captured) -> None:
        """Every code has a row, with how many products wait for it; a second time nothing that was set is lost."""
        assert run(["pull-config"]) == 0
        out, err = capsys.readouterr()
        assert out.splitlines()[0].split() == ["kind", "rows", "set", "answered", "unset", "products", "waiting"]
        assert "next: lcvsync map" in err

        assert run(["map", "set", "brand", "*", "create"]) == 0
        capsys.readouterr()
        assert run(["pull-config", "--json"]) == 0
        records = {record["kind"]: record for record in json.loads(capsys.readouterr().out)}
        brand, vat = records["brand"], records["vat"]
        assert (brand["rows"], brand["set"], brand["answered"], brand["unset"]) == (29, 1, 28, 0)
        assert (vat["unset"], vat["products_waiting"]) == (4, 12)

    def test_tables_are_read_each_time(self, associated: Place, lcv: EmulatorServer) -> None:
        """Also when LCV says that nothing changed."""
        run(["pull-config"])
        lcv.requests.clear()
        run(["pull-config"])

        assert [request.path for request in lcv.requests] == ["/api/v1/revisions", "/api/v1/tables"]

    def test_not_associated(self, place: Place, capsys: Captured) -> None:
        """It is exit 4 with the way out."""
        assert run(["pull-config"]) == ExitCode.REFUSED
        assert "lcvsync associate" in capsys.readouterr().err

    def test_disabled(self, associated: Place, lcv: EmulatorServer, capsys: Captured) -> None:
        """Switched off, LCV isn't asked."""
        lcv.requests.clear()
        associated.configure("[sync]\nenabled = false\n")

        assert run(["pull-config"]) == ExitCode.USAGE
        assert "sync.enabled = false" in capsys.readouterr().err
        assert lcv.requests == []

    def test_while_a_run_is_going_on(self, associated: Place, capsys: Captured) -> None:
        """One at a time."""
        with run_lock(associated.state):
            assert run(["pull-config"]) == ExitCode.TEMPORARY
        assert "another run is under way" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["associate", "dissociate", "adopt", "pull-config"])
def test_help_has_examples(command: str, capsys: Captured) -> None:
    """`--help` shows how the command is typed."""
    assert run([command, "--help"]) == 0
    assert f"  lcvsync {command}\n" in capsys.readouterr().out
