"""The configuration: where it is found, what it accepts, and that every problem is told at once, without secrets."""

from __future__ import annotations

import os
import pwd
import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, ValidationError

from lcvsync import config
from lcvsync.config import Settings, load
from lcvsync.config.problems import problem
from lcvsync.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "ABCDEFGHIJKLMNPQRSTUVWXYZ1234567"
EXAMPLE = Path(__file__).parents[1] / "config.example.toml"
MINIMAL = f"""\
lcv = {{ url = "https://lcv.example.com", web_store = "WEB" }}
prestashop = {{ url = "https://www.example.com", key = "{KEY}" }}
"""


def written(path: Path, text: str | bytes = MINIMAL) -> Path:
    """*path*, with *text* in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def loaded(text: str, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file with *text*, in the working directory."""
    return load(written(Path("test.toml"), text), environment or {})


NO_VALUE = 'is no value, expected a "text" in quotes, a number, true, false or a [list]'


def problems(text: str | bytes, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """What is wrong with a file of *text*."""
    with pytest.raises(ConfigurationError) as caught:
        load(written(Path("test.toml"), text), environment or {})
    return caught.value.problems


def shop(line: str) -> str:
    """A file whose shop has *line* in place of, or beside, what the minimal one has."""
    lines = {"url": 'url = "https://www.example.com"', "key": f'key = "{KEY}"'}
    lines[line.partition(" ")[0]] = line
    body = "\n".join(lines.values())
    return f'[lcv]\nurl = "https://lcv.example.com"\nweb_store = "WEB"\n[prestashop]\n{body}\n'


class TestSearch:
    """Which file is read."""

    def test_order(self, tmp_path: Path) -> None:
        """-c wins over LCVSYNC_CONFIG, over the working directory, over the user's, over the system's."""
        system = written(config.SYSTEM_FILE)
        assert load(None, {}).file == system

        user = written(Path.home() / "config" / "lcvsync" / "config.toml")
        assert load(None, {}).file == user

        local = written(Path("lcvsync.toml"))
        assert load(None, {}).file == local.absolute()

        named = written(tmp_path / "named.toml")
        environment = {"LCVSYNC_CONFIG": str(named)}
        assert load(None, environment).file == named

        asked = written(tmp_path / "asked.toml")
        assert load(asked, environment).file == asked

    def test_named_file_must_exist(self) -> None:
        """A file that was asked for is never replaced by another one silently."""
        written(Path("lcvsync.toml"))

        with pytest.raises(ConfigurationError, match=r"gone\.toml can't be read: No such file"):
            load(None, {"LCVSYNC_CONFIG": "gone.toml"})

    def test_nowhere(self) -> None:
        """Without any file the places are named, and the way to get one."""
        with pytest.raises(ConfigurationError) as caught:
            load(None, {"LCVSYNC_CONFIG": ""})

        assert len(caught.value.problems) == 3
        assert "config.example.toml" in caught.value.cure

    def test_no_home(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A container's user may have no home at all: the system's file is found, and the state has to be named."""
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            monkeypatch.delenv(name)
        monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)  # as of a number that /etc/passwd lacks
        monkeypatch.setattr(os, "geteuid", lambda: 10001)
        written(config.SYSTEM_FILE)

        with pytest.raises(ConfigurationError, match=r"state\.directory: is not set, and the user has no home"):
            load(None, {})
        monkeypatch.setenv("XDG_STATE_HOME", "/var/lib")
        assert load(None, {}).state.directory == Path("/var/lib/lcvsync")


class TestExample:
    """`config.example.toml` is the specification that people read."""

    def test_loads_once_filled_in(self) -> None:
        """It needs the two addresses and the key, nothing else; all of its values are the defaults."""
        text = EXAMPLE.read_text(encoding="utf-8")

        assert {problem.partition(":")[0] for problem in problems(text)} == {
            "lcv.url",
            "prestashop.url",
            "prestashop.key",
        }

        text = text.replace('\nurl = ""', '\nurl = "https://x.example.com"').replace('key = ""', f'key = "{KEY}"')
        minimal = loaded(MINIMAL)
        filled = loaded(text)
        assert filled.model_dump(exclude={"lcv", "prestashop"}) == minimal.model_dump(exclude={"lcv", "prestashop"})
        assert filled.prestashop.model_dump(exclude={"url"}) == minimal.prestashop.model_dump(exclude={"url"})

    def test_holds_every_option(self) -> None:
        """Each option of the models is there with its default (commented out if it is unset), and no other is."""
        raw = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
        commented = {"prestashop.shop_id", "orders.min_id", "state.directory", "availability.directory"}

        assert set(typed(raw)) | commented == set(defaults(Settings))
        for name, default in defaults(Settings).items():
            if name in commented:
                assert f"\n# {name.rpartition('.')[2]} = " in EXAMPLE.read_text(encoding="utf-8")
            elif default is not ...:
                assert typed(raw)[name] == (list(default) if isinstance(default, tuple) else default), name

    def test_explains_every_option(self) -> None:
        """The line above each option is a comment that says what it does."""
        lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
        unexplained = [
            line
            for before, line in pairwise(lines)
            if re.match(r"(# )?[a-z_]+ = ", line) and not re.match(r"# .{12,}", before)
        ]

        assert unexplained == []


def typed(raw: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    """The dotted names and values of a TOML file."""
    names: dict[str, object] = {}
    for name, value in raw.items():
        names |= (
            typed(value, f"{prefix}{name}.")
            if isinstance(value, dict) and name != "service_references"
            else {prefix + name: value}
        )
    return names


def defaults(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """The dotted names and defaults of every option; `...` for one that has none."""
    names: dict[str, Any] = {}
    for name, about in model.model_fields.items():
        if isinstance(about.annotation, type) and issubclass(about.annotation, BaseModel):
            names |= defaults(about.annotation, f"{prefix}{name}.")
        else:
            default = ... if about.is_required() else about.get_default(call_default_factory=True)
            names[prefix + name] = default.get_secret_value() if isinstance(default, SecretStr) else default
    return names


class TestProblems:
    """What is said of a faulty file."""

    def test_all_at_once(self) -> None:
        """Every problem is told in one go, with section, key, what is wrong and what was expected."""
        found = problems(
            f"""
            [lcv]
            url = "https://lcv.example.com"
            web_store = ""
            [prestashop]
            url = "www.example.com"
            key = "{KEY}"
            max_parallel = 0
            languages = ["fr", "français", 3]
            [sync]
            enabled = 1
            mode = "full"
            [catalogue]
            safety_stok = 1
            colour_group = true
            discriminating_attributes = "coloris"
            [state]
            directory = 3
            """
        )

        assert found == (
            "lcv.web_store: is empty, expected a text",
            "prestashop.url: doesn't start with https:// or http://, expected https://HOST or https://HOST/PATH",
            "prestashop.languages: item 2 is no ISO code, expected one as fr or en",
            "prestashop.languages: item 3 is a whole number, expected a text",
            "prestashop.max_parallel: is 0, expected at least 1",
            "sync.enabled: is a whole number, expected true or false",
            'sync.mode: is "full", expected "basic" or "complete"',
            "catalogue.discriminating_attributes: is a text, expected a list",
            "catalogue.colour_group: is true or false, expected a group's id, its exact name, or empty for none",
            "catalogue.safety_stok: is no known option, did you mean catalogue.safety_stock?",
            "state.directory: is a whole number, expected a path",
        )

    def test_empty_file(self) -> None:
        """Each option that has no default is asked for by name."""
        assert problems("") == (
            "lcv.url: is missing, expected an address as https://HOST",
            "lcv.web_store: is missing, expected the code of an LCV web store",
            "prestashop.url: is missing, expected an address as https://HOST",
            "prestashop.key: is missing, expected a webservice key, env:NAME or file:PATH",
        )

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("[prestashp]", "prestashp: is no known section, did you mean prestashop?"),
            ("[takeover]", "takeover: is no known section, expected one of lcv, prestashop, sync, catalogue, "),
            ("[sync]\nsafety_stock = 1", "sync.safety_stock: is no known option, did you mean catalogue.safety_stock?"),
            ("[catalogue.fields]\nwheight = 1", "catalogue.fields.wheight: is no known option, did you mean "),
            ("[catalogue]\nfields = 1979-05-27", "catalogue.fields: is a date or time, expected a section"),
            ("[catalogue]\nlock_category = 1.0", "catalogue.lock_category: is a number, expected a whole number"),
            ("[catalogue]\ncolour_group = -3", "catalogue.colour_group: is -3, expected a group's id"),
            ('[orders]\nservice_references = { "" = "A" }', "orders.service_references: has an empty name, expected "),
            (
                '[orders.marketplaces]\nemail_domains = ["@x.fr"]',
                'orders.marketplaces.email_domains: item 1 is "@x.fr", expected a domain as ',
            ),
            ("[availability]\ntitle = ' '", "availability.title: is empty, expected a text"),
            ('[state]\ndirectory = ""', "state.directory: is empty, expected a path"),
            ('[state]\ndirectory = "~nobody-here/x"', "state.directory: has no home directory for ~nobody-here"),
        ],
    )
    def test_names(self, line: str, expected: str) -> None:
        """An unknown name comes with the nearest one, of its own section or of another; a wrong type with the right."""
        (problem,) = problems(MINIMAL + line)

        assert problem.startswith(expected)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("[lcv]\nurl = https://lcv", f"line 2, column 7: {NO_VALUE}"),
            ("[lcv]\nurl = [", f"end of document: {NO_VALUE}"),
            ("[lcv]\nurl = ''\nurl = ''\n", "line 3, column 9: is set a second time, expected once"),
            ("[lcv\n", "line 1, column 5: is no TOML: expected ']' at the end of a table declaration"),
            (b"[lcv]\nurl = '\xe9'", "line 2: is not UTF-8, expected a file saved as UTF-8"),
        ],
    )
    def test_syntax(self, text: str | bytes, expected: str) -> None:
        """What isn't TOML is told with its line and column."""
        assert problems(text) == (expected,)

    def test_byte_order_mark(self) -> None:
        """A file saved by Windows' Notepad is read."""
        assert loaded("\ufeff" + MINIMAL).lcv.web_store == "WEB"

    def test_unreadable(self) -> None:
        """A directory in place of the file is no bug of ours."""
        with pytest.raises(ConfigurationError, match="can't be read: Is a directory"):
            load(Path(), {})


class TestAddresses:
    """URLs, which people copy from their browser."""

    @pytest.mark.parametrize("ending", ["", "/", "/api", "/api/"])
    def test_shop(self, ending: str) -> None:
        """The shop's may be given with or without slash and /api."""
        assert (
            loaded(shop(f'url = "https://www.example.com/fr{ending}"')).prestashop.url == "https://www.example.com/fr"
        )

    @pytest.mark.parametrize("ending", ["", "/", "/api/v1", "/api/v1/"])
    def test_back_office(self, ending: str) -> None:
        """So may the back office's with its own path."""
        text = MINIMAL.replace("lcv.example.com", f"lcv.example.com:8443{ending}")

        assert loaded(text).lcv.url == "https://lcv.example.com:8443"

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("www.example.com", "doesn't start with https:// or http://"),
            ("ftp://www.example.com", "doesn't start with https:// or http://"),
            ("https://", "is not an address"),
            ("https://www.example.com:port", "is not an address"),
            ("https://www.exa mple.com", "is not an address"),
            ("https://[::1", "is not an address"),
            (f"https://{KEY}@www.example.com", "holds a user name or password"),
            (f"https://user:{KEY}@www.example.com", "holds a user name or password"),
            (f"https://www.example.com/?ws_key={KEY}", "has something behind ? or #"),
        ],
    )
    def test_refused(self, url: str, expected: str) -> None:
        """What can't be an address, or carries a secret, is refused without being repeated."""
        (problem,) = problems(shop(f'url = "{url}"'))

        assert problem == f"prestashop.url: {expected}, expected https://HOST or https://HOST/PATH"


class TestSecrets:
    """The webservice key: where it may stand, and that it is told to nobody."""

    def test_references(self, tmp_path: Path) -> None:
        """It may be in an environment variable, or in a file beside the configuration, with a newline at its end."""
        written(Path("secret.txt"), KEY + "\n")
        absolute = written(tmp_path / "key", KEY)

        for line, environment in (
            ("env:SHOP_KEY", {"SHOP_KEY": KEY}),
            ("file:secret.txt", {}),
            (f"file:{absolute}", {}),
        ):
            settings = loaded(shop(f'key = "{line}"'), environment)
            assert settings.prestashop.key.get_secret_value() == KEY

    def test_missing(self) -> None:
        """A reference to nothing names the variable or the file."""
        (problem,) = problems(shop('key = "env:SHOP_KEY"'))
        assert problem == "prestashop.key: is env:SHOP_KEY, but the environment variable SHOP_KEY is not set"

        (problem,) = problems(shop('key = "file:gone"'))
        assert re.fullmatch(r"prestashop.key: is file:gone, but /.*/gone can't be read: No such file .*", problem)

    @pytest.mark.parametrize("key", ["S3CRET", KEY + "S3CRET", "env:S3CRET_NAME"])
    def test_wrong_length(self, key: str) -> None:
        """A key of another length is a slip of copying; it isn't shown, wherever it comes from."""
        (problem,) = problems(shop(f'key = "{key}"'), {"S3CRET_NAME": "S3CRET"})

        assert re.match(r"prestashop.key: has \d+ characters, expected the 32 of a webservice key", problem)
        assert "S3CRET" not in problem

    def test_never_shown(self) -> None:
        """Neither repr, str nor JSON of the settings hold it."""
        settings = loaded(MINIMAL)

        for text in (repr(settings), str(settings), repr(settings.prestashop), settings.model_dump_json()):
            assert KEY not in text

    @given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1).map(lambda text: f"<{text}>"))
    def test_never_in_a_problem(self, secret: str) -> None:
        """No problem repeats a secret, in whichever of the three options it was typed."""
        section = {"url": f"https://user:{secret}@host", "key": secret, "web_store": secret}
        with pytest.raises(ValidationError) as caught:
            Settings.model_validate({"lcv": section, "prestashop": section})

        lines = [problem(detail, Settings) for detail in caught.value.errors(include_url=False)]
        assert [line for line in lines if secret in line] == []


class TestSettings:
    """What a correct file gives."""

    def test_frozen(self) -> None:
        """Settings can't be changed on the way."""
        settings = loaded(MINIMAL)

        with pytest.raises(ValidationError, match="frozen"):
            settings.sync.mode = "complete"

    @pytest.mark.parametrize(("typed_as", "value"), [("12", 12), ('"Couleur"', "Couleur"), ('"12"', "12"), ('""', "")])
    def test_colour_group(self, typed_as: str, value: int | str) -> None:
        """A number is an id, a text is a name, even one made of digits."""
        assert loaded(f"{MINIMAL}[catalogue]\ncolour_group = {typed_as}").catalogue.colour_group == value

    def test_languages(self) -> None:
        """ISO codes are compared in lower case."""
        assert loaded(shop('languages = ["FR", "en"]')).prestashop.languages == ("fr", "en")

    def test_relative_directory(self, tmp_path: Path) -> None:
        """A relative path starts at the file, not where cron happens to be; ~ is the user's home."""
        file = written(tmp_path / "shop.toml", f'{MINIMAL}[state]\ndirectory = "state/shop"')
        assert load(file, {}).state.directory == tmp_path / "state" / "shop"

        written(file, f'{MINIMAL}[state]\ndirectory = "~/shop"')
        assert load(file, {}).state.directory == Path.home() / "shop"

    def test_default_directory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The state is the user's, and the system's for root, unless XDG_STATE_HOME says otherwise."""
        assert loaded(MINIMAL).state.directory == Path.home() / "state" / "lcvsync"

        monkeypatch.delenv("XDG_STATE_HOME")
        monkeypatch.setattr("os.geteuid", lambda: 1000)
        assert loaded(MINIMAL).state.directory.is_relative_to(Path.home())

        monkeypatch.setattr("os.geteuid", lambda: 0)
        assert loaded(MINIMAL).state.directory == config.ROOT_STATE


class TestAvailability:
    """`[availability]`: public files."""

    @pytest.mark.parametrize("served", ["var", "var/../var", ".", "/"])
    def test_state_is_not_published(self, tmp_path: Path, served: str) -> None:
        """A directory that holds the state is refused: the key to LCV would be on the web."""
        text = f'{MINIMAL}\n[state]\ndirectory = "{tmp_path}/var"\n[availability]\ndirectory = "{tmp_path / served}"\n'
        (problem,) = problems(text)
        assert problem == (
            f"availability.directory: would publish state.directory ({tmp_path}/var), expected another one"
        )

    def test_beside_the_state(self, tmp_path: Path) -> None:
        """A directory beside it is fine, and so is one below it; unset is off."""
        text = f'{MINIMAL}\n[state]\ndirectory = "{tmp_path}/var"\n[availability]\ndirectory = "{tmp_path}/www"\n'
        assert loaded(text).availability.directory == tmp_path / "www"
        assert loaded(MINIMAL).availability.directory is None

    def test_base_url(self) -> None:
        """An address without a slash at its end, or nothing."""
        assert loaded(f'{MINIMAL}\n[availability]\nbase_url = "https://x.example.com/a/"').availability.base_url == (
            "https://x.example.com/a"
        )
        (problem,) = problems(f'{MINIMAL}\n[availability]\nbase_url = "/a"')
        assert problem.startswith("availability.base_url: doesn't start with https://")
