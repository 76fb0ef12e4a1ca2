"""One run of a command, from its options to what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from lcvsync.bootstrap import SystemClock, notices_of, run_session, store_of
from lcvsync.cli import Application
from lcvsync.cli.errors import ExitCode, Terminated, redact
from lcvsync.cli.output import reporter, talk
from lcvsync.cli.run_output import tell_all, tell_news, write_report
from lcvsync.config.secrets import exposed
from lcvsync.errors import ConfigurationError, LcvsyncError, Temporary
from lcvsync.planning.changes import GuardKind
from lcvsync.runner.notices import Notices
from lcvsync.runner.report import Outcome, Report
from lcvsync.runner.run import Run
from lcvsync.runner.spool import Spool
from lcvsync.runner.troubles import news
from lcvsync.state.store import Store, open_store

F = TypeVar("F", bound=Callable[..., object])

dry_run_option = click.option("--dry-run", is_flag=True, help="Print the plan; write nowhere, not to the state either.")

ASKED_FOR = frozenset({"undo", "apply", "export-customers"})
"""Commands whose work no later run goes on with by itself."""


def allow_option(*kinds: GuardKind) -> Callable[[F], F]:
    """`--allow`, for all kinds of guard or those that a command can meet; the parameter `allow`."""
    return click.option(
        "--allow",
        multiple=True,
        type=click.Choice([kind.value for kind in kinds or GuardKind]),
        help="Let a kind of change go on although its guard would hold it; repeatable.",
    )


class Execution:
    """One run of a command, from its options to what is said of it."""

    def __init__(self, application: Application, command: str, *, as_json: bool, dry_run: bool) -> None:
        self.application = application
        self.command = command
        self.as_json = as_json
        self.dry_run = dry_run
        self.clock = SystemClock()
        self.report = Report(mode="", started_at=self.clock.now(), dry_run=dry_run)
        if dry_run:
            self.report.goes_on = "nothing of a dry run is kept: raise it to see all"
        elif command in ASKED_FOR:
            self.report.goes_on = f"the same `lcvsync {command}` does the rest"
        self.notices: Notices | None = None

    def run(
        self,
        work: Callable[[Run], None],
        *,
        prepare: Callable[[Store], object] | None = None,
        may_be_disabled: bool = False,
        even_if_disabled: bool = False,
        now: bool = False,
    ) -> Report:
        """Do *work* in a session; what goes wrong is in the report, and only an interruption is raised.

        *now*: a person waits for it, so that another run under way is an error.
        """
        try:
            self._run(work, prepare, may_be_disabled, even_if_disabled)
            if now and self.report.outcome is Outcome.LOCKED:
                raise Temporary("another run is under way", cure="try again when it is over")
        except Exception as error:  # noqa: BLE001 - a bug too is told by the rule; `say` hands it to cli.errors
            self._failed(error)
        except BaseException as error:
            self.report.outcome, self.report.error = Outcome.INTERRUPTED, type(error).__name__
            self.report.exit_code = ExitCode.TERMINATED if isinstance(error, Terminated) else ExitCode.INTERRUPTED
            if self.as_json:
                write_report(self.report, as_json=True)
            raise
        self._ended()
        return self.report

    def _started(self, prepare: Callable[[Store], object] | None) -> Callable[[Store], object]:
        """*prepare*, after whoever wants to know was told that the run has the lock."""

        def begin(store: Store) -> None:
            if self.notices:
                self.notices.started()
            if prepare is not None:
                prepare(store)

        return begin

    def _ended(self) -> None:
        """Tell whoever wants to know how the run went."""
        if self.notices:
            directory = self.application.settings.state.directory
            self.notices.ended(self.report, lambda: open_store(directory))

    def _clean(self, text: str) -> str:
        return redact(text, self.application.secrets)

    def _failed(self, error: Exception) -> None:
        expected = isinstance(error, LcvsyncError)
        if self.report.outcome is not Outcome.LOCKED:
            self.report.outcome = Outcome.ERROR
        self.report.cause = error
        text = str(error) if expected else f"{type(error).__name__}: {error}"
        self.report.error = self._clean(text)
        self.report.exit_code = error.exit_code if isinstance(error, LcvsyncError) else ExitCode.FAILURE

    def _run(
        self,
        work: Callable[[Run], None],
        prepare: Callable[[Store], object] | None,
        may_be_disabled: bool,
        even_if_disabled: bool,
    ) -> None:
        settings = self.application.settings
        self.report.mode = settings.sync.mode
        if not (settings.sync.enabled or even_if_disabled):
            if not may_be_disabled:
                raise ConfigurationError(
                    f"{self.command}: the synchronisation is switched off (sync.enabled = false)",
                    cure="set sync.enabled = true, or leave it out",
                )
            self.report.outcome = Outcome.DISABLED
            return
        if settings.file:
            self.report.notes += exposed(settings.file)
        if not self.dry_run:
            self.notices = notices_of(settings, self.command, self.clock, self._clean)
        with reporter(self.application) as shown:
            run_session(
                settings,
                self.command,
                shown,
                work,
                clock=self.clock,
                report=self.report,
                prepare=self._started(prepare),
                rehearsal=self.dry_run,
            )
        if self.dry_run and self.report.outcome is Outcome.OK and self.report.plan is None:
            self.report.plan = Spool()

    def say(self, *, once: bool) -> None:
        """Print the report; *once*: a trouble that people know of already isn't told again today."""
        if self.as_json or self.dry_run or not once:
            write_report(self.report, as_json=self.as_json)
        if self.report.outcome is Outcome.DISABLED:
            talk(self.application, "the synchronisation is switched off (sync.enabled = false)", level=1)
        elif self.report.outcome is Outcome.LOCKED and self.report.cause is None:
            level = 0 if self.report.exit_code else 1
            talk(self.application, "another run is under way: nothing done", level=level)
        elif once and self.application.loaded is not None:
            self._say_news()
        else:
            tell_all(self.application, self.report)

    def _say_news(self) -> None:
        try:
            with store_of(self.application.settings) as store:
                decision = news(self.report, store, self.clock.now())
        except LcvsyncError:  # the state itself is the trouble: nothing can be remembered
            tell_all(self.application, self.report)
        else:
            if not self.as_json and (decision.new or decision.again):
                write_report(self.report, as_json=False)  # the plan that waits for somebody's word
            tell_news(self.application, self.report, decision)
