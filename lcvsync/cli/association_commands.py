"""`lcvsync associate` and `dissociate`: the shop's right to talk to a back office.

Associating keeps one order, which is its safety: address, certificate, who answers, and only then the password. The
questions are talk on stderr and are only asked at a terminal; a script gives every answer as an option, the password
on standard input.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import datetime

import click

from lcvsync.bootstrap import Pairing, SystemClock, belonging, store_of
from lcvsync.cli import Application, pass_application
from lcvsync.cli.arguments import only_one
from lcvsync.cli.output import clean, talk
from lcvsync.cli.resync_command import mark_everything
from lcvsync.cli.setup_commands import asks, refuse_disabled
from lcvsync.domain.catalogue import Feed
from lcvsync.errors import ConfigurationError, NotAssociated, Temporary
from lcvsync.planning.changes import Json
from lcvsync.runner.adoption import adoption
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store, no_run

BACK_OFFICE = "association.of"
"""Which back office the mirror was read from."""


# associate


@dataclass(frozen=True)
class _Answers:
    """What the options say; None or "" is asked."""

    url: str
    username: str
    password_stdin: bool
    fingerprint: str
    allow_http: bool


@click.command()
@click.option(
    "--url", default="", metavar="URL", help="Address of the back office; default: lcv.url of the configuration."
)
@click.option("--username", default="", metavar="NAME", help="A user of the back office.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--fingerprint", default="", metavar="SHA256", help="Accept this certificate, and no other.")
@click.option("--allow-http", is_flag=True, help="Send the password and the key in plain text to another machine.")
@click.option("--even-if-disabled", is_flag=True, help="Associate though sync.enabled = false.")
@pass_application
def associate(
    application: Application,
    url: str,
    username: str,
    password_stdin: bool,
    fingerprint: str,
    allow_http: bool,
    even_if_disabled: bool,
) -> None:
    """Pair this shop with an LCV back office.

    What isn't given is asked at a terminal. The certificate is looked at first: one that this system doesn't trust is
    shown, and accepted by you or with --fingerprint; from then on no other one is accepted. The password is sent once
    and not kept; the access key that it is traded for is kept in the state directory, readable by its owner alone.

    \b
    Examples:
      lcvsync associate
      lcvsync associate --url https://192.0.2.7:8443 --username shop
      printf %s "$PASSWORD" | lcvsync associate --username shop --password-stdin --fingerprint AB:CD:...
    """
    settings = application.settings
    refuse_disabled(settings, "associate", allowed=even_if_disabled, cure=", or pass --even-if-disabled")
    answers = _Answers(url, username, password_stdin, fingerprint, allow_http)
    _require_answers(answers)
    with no_run(settings.state.directory):
        pass  # or somebody would answer every question for nothing
    _associate(application, Pairing(settings, SystemClock()), answers)


def _require_answers(answers: _Answers) -> None:
    """Nobody can be asked beside a script: name every option that lacks, before anything is contacted."""
    if asks():
        return
    given = {"--username": answers.username, "--password-stdin": answers.password_stdin}
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise click.UsageError(f"Missing {' and '.join(missing)}: there is no terminal to ask at.")


def _associate(application: Application, pairing: Pairing, answers: _Answers) -> None:
    configured = pairing.settings.lcv.url
    typed = answers.url or (_ask("Address of the back office", default=configured) if asks() else configured)
    url = pairing.address(typed, allow_http=answers.allow_http)
    if url != configured:
        talk(application, f"lcv.url in the configuration is {configured}; lcvsync will talk to {url}")
    pin = _accepted(application, pairing, url, answers.fingerprint)
    found = pairing.discover(url, pin)
    talk(application, f"{found.name} answers at {url} (API {found.api_version})")
    username = answers.username or _ask("User name")
    password = _password(application, answers)
    _warn_of_replacement(application, pairing, url)
    with no_run(pairing.settings.state.directory), store_of(pairing.settings) as store:
        made = pairing.associate(url, username, password, pin)
        application.secrets.append(made.access_key)
        again = _remember(store, {"association": made.association_id, "url": made.url, "name": made.name})
    talk(
        application, f"associated with {made.name}" + (f" until {made.expires_at:%Y-%m-%d}" if made.expires_at else "")
    )
    if again:
        talk(application, "it isn't the back office of before: everything will be read from it anew")
    talk(application, "next: lcvsync pull-config")


def _accepted(application: Application, pairing: Pairing, url: str, typed: str) -> Json:
    """The fingerprint to pin; None where the system's own trust decides, and for plain http."""
    wanted = pairing.fingerprint(typed) if typed else None
    shown = pairing.certificate(url)
    if shown is None:
        if wanted:
            raise click.UsageError("--fingerprint is for https: plain http shows no certificate.")
        return None
    if wanted:
        if shown.fingerprint != wanted:
            raise NotAssociated(
                f"{url} shows the certificate {shown.fingerprint}, --fingerprint accepts {wanted}; nothing was sent",
                cure="ask who runs the back office for its fingerprint",
            )
        return wanted
    if shown.trusted:
        return None
    click.echo(f"The certificate of {url} is not trusted by this system: {clean(shown.problem)}.", err=True)
    for name, value in (
        ("subject", shown.subject or "can't be read"),
        ("issuer", shown.issuer or "can't be read"),
        ("names", ", ".join(shown.names)),
        ("valid", f"{_day(shown.not_before)} to {_day(shown.not_after)}"),
        ("SHA-256", shown.fingerprint),
    ):
        click.echo(f"  {name:8} {clean(value)}", err=True)
    if not asks():
        raise NotAssociated(
            f"the certificate of {url} is not trusted ({shown.problem}); nothing was sent",
            cure=f"if it is the back office's own: --fingerprint {shown.fingerprint}",
        )
    question = "Accept it, and no other from now on? Compare the SHA-256 with the back office's first."
    if not click.confirm(question, default=False, err=True):
        raise NotAssociated("the certificate was not accepted; nothing was sent")
    return shown.fingerprint


def _password(application: Application, answers: _Answers) -> str:
    password: str
    if answers.password_stdin and not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, default="", show_default=False, err=True)
    if not password:
        raise click.UsageError("The password is empty.")
    application.secrets.append(password)
    return password


def _warn_of_replacement(application: Application, pairing: Pairing, url: str) -> None:
    try:
        kept = pairing.kept()
    except (NotAssociated, ConfigurationError):
        return
    if kept.url != url:
        talk(application, f"this replaces the association with {kept.name} ({kept.url}), which isn't revoked there")


def _remember(store: Store, back_office: dict[str, Json]) -> bool:
    """Note which back office the mirror is of; of another one nothing that was read counts. True: it is another."""
    before = store.get(BACK_OFFICE)
    another = before not in (None, back_office)
    if another:
        mark_everything(store)
        with store.transaction():
            Mirror(store).restart(Feed.TABLES)
    store.put(BACK_OFFICE, back_office)  # last: a crash before it marks once more, and never too little
    return another


# dissociate


@click.command()
@click.option("--revoke", is_flag=True, help="Let LCV forget the key even if this state isn't adopted.")
@click.option("--local", is_flag=True, help="Forget the association here, without a word to LCV.")
@pass_application
def dissociate(application: Application, revoke: bool, local: bool) -> None:
    """End the association with LCV.

    Where the state is adopted (`lcvsync adopt`) LCV revokes the access key; a copy of a state only forgets it, since
    the key is still the original's.

    \b
    Examples:
      lcvsync dissociate
      lcvsync dissociate --local
    """
    how = only_one({"revoke": revoke, "local": local})
    settings = application.settings
    pairing = Pairing(settings, SystemClock())
    with no_run(settings.state.directory), store_of(settings) as store:
        adopted = adoption(store, replace(belonging(settings), association=None)) is not None
        revoke = how == "revoke" or (adopted and how != "local")
        if revoke:
            refuse_disabled(settings, "dissociate", cure=", or pass --local")
            _revoke(application, pairing)
        gone = pairing.forget()
    talk(application, "the association is forgotten" if gone else "there was no association")
    if gone and not revoke:
        why = "" if how else " (this state isn't adopted for this shop)"
        talk(application, f"LCV wasn't told{why}: the access key is still valid there")


def _revoke(application: Application, pairing: Pairing) -> None:
    try:
        kept = pairing.kept()
    except NotAssociated as error:
        talk(application, str(error))
        return
    application.secrets.append(kept.access_key)
    try:
        known = pairing.revoke(kept)
    except Temporary as error:
        raise Temporary(str(error), cure="try again, or forget it here only: lcvsync dissociate --local") from error
    talk(
        application, f"{kept.name} has revoked the access key" if known else f"{kept.name} didn't know the key any more"
    )


# Common


def _ask(question: str, default: str | None = None) -> str:
    answer: str = click.prompt(question, default=default, err=True)
    return answer


def _day(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d") if moment else "?"
