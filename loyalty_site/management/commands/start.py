"""Starts the whole site with one command and watches over it until somebody stops it."""

import os
import sys
import time
from argparse import ArgumentParser
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import KombuError
from redis import RedisError

from loyalty_site import heartbeat, listening, roles
from loyalty_site.demo import loading, staff
from loyalty_site.environment import BASE_DIR, VAR_DIR, env, uses_embedded_postgres, uses_embedded_redis
from loyalty_site.log_tail import LogTail
from loyalty_site.processes import (
    CannotRun,
    Child,
    Interrupted,
    Lock,
    StopRequest,
    end_leftover,
    end_with_parent,
    make_places,
    start_beside,
)
from loyalty_site.tasks import note_heartbeat

if TYPE_CHECKING:
    from loyalty_site import embedded

TICK = 0.2
PATIENCE = 30.0  # seconds after which something is probably wrong
PROGRAMS = {  # in the order of their start; they are stopped the other way around
    "web": "granian --interface wsgi loyalty_site.wsgi:application --workers 2 --blocking-threads 4 --no-ws"
    " --respawn-failed-workers --log-level warning",
    "worker": "celery -A loyalty_site worker --concurrency 2 --loglevel INFO --without-gossip --without-mingle",
    "beat": "celery -A loyalty_site beat --loglevel WARNING --pidfile=",
}


class Command(BaseCommand):
    help = (
        "Starts web, worker and beat (and PostgreSQL and Redis where no URL names them), prepares the database, "
        "and stops everything on Ctrl-C, SIGTERM or SIGHUP."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", default=env.str("PORT", default="8000"), help="also PORT=")
        parser.add_argument("--host", default=env.str("HOST", default="127.0.0.1"), help="also HOST=")
        parser.add_argument("--end-with-parent", action="store_true", help="stop when the calling process dies")

    def handle(self, *args: Any, **options: Any) -> None:
        self.address = listening.Address.parse(options["host"], options["port"])
        self.stop = StopRequest()
        self.stop.install()
        if options["end_with_parent"]:
            end_with_parent()
        self.servers: embedded.Servers | None = None
        self.children: dict[str, Child] = {}
        os.environ["LOYALTY_VAR"] = str(VAR_DIR)  # children have another working directory
        lock = Lock(VAR_DIR / "run" / "start.lock")
        try:
            make_places(VAR_DIR)
            self.take(lock)
            self.run()
        except CannotRun as error:
            raise CommandError(str(error)) from error
        except Interrupted:
            lock.note("stopping")
            self.say("Stopping …")
        finally:
            self.stop_all()
            lock.release()

    def take(self, lock: Lock) -> None:
        """One start for each data directory. One that is just stopping is waited for."""
        begun = time.monotonic()
        while not lock.acquire():
            owner = lock.read()
            if time.monotonic() - begun > (60 if owner == "stopping" else 2):
                raise CommandError(f"The site runs already: {owner}. Stop that one first.")
            self.stop.sleep(TICK)
        lock.note(f"{self.address.url} (process {os.getpid()})")

    def run(self) -> None:
        for name in PROGRAMS:
            end_leftover(VAR_DIR / "run" / f"{name}.pid", program=sys.executable)
        self.address.check_free()
        self.start_servers()
        self.prepare_database()
        self.watch()

    def start_servers(self) -> None:
        postgres, redis = uses_embedded_postgres(), uses_embedded_redis()
        if postgres or redis:
            from loyalty_site import embedded  # noqa: PLC0415 - never loaded where URLs name servers

            self.servers = embedded.Servers(VAR_DIR, postgres=postgres, redis=redis, sleep=self.stop.sleep)
            self.servers.start()
            # the settings were read before a first start made the password
            connection.settings_dict.update(embedded.database_settings(VAR_DIR) if postgres else {})

    def prepare_database(self) -> None:
        if needs_migration() and self.step("Preparing the database …", "migrate", "--noinput", "-v0"):
            raise CommandError("The database could not be prepared; the site was not started.")
        roles.sync()
        if not settings.DEBUG and self.step("Collecting static files …", "collectstatic", "--noinput", "-v0"):
            raise CommandError("Static files could not be collected; the site was not started.")
        wanted = settings.LOYALTY_DEMO and not (loading.is_complete() or loading.belongs_to_somebody())
        if wanted and self.step("Loading the demo, only this once …", "seed_demo", "--if-needed"):
            self.say("The demo could not be loaded (see above). The next start tries again.")
        connection.close()

    def step(self, said: str, *arguments: str) -> int:
        """Runs a management command with its output on this terminal. Returns its exit code."""
        self.say(said)
        process = start_beside([sys.executable, "manage.py", *arguments], cwd=BASE_DIR)
        try:
            while (code := process.poll()) is None:
                self.tend()
                self.stop.sleep(TICK / 4)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        return code

    def start_child(self, name: str) -> None:
        arguments = PROGRAMS[name].split()
        if name == "web":
            arguments += ["--host", self.address.host, "--port", str(self.address.port)]
        elif name == "beat":
            arguments += ["--schedule", str(VAR_DIR / "run" / "beat-schedule")]
        self.children[name] = Child(
            name,
            [sys.executable, "-m", *arguments],
            log=VAR_DIR / "log" / f"{name}.log",
            pid_file=VAR_DIR / "run" / f"{name}.pid",
            env=self.child_environment(),
            cwd=BASE_DIR,
        )
        self.children[name].start()

    def child_environment(self) -> dict[str, str]:
        """Links in mails and allowed hosts follow HOST and PORT unless somebody set them."""
        known = {"PYTHONUNBUFFERED": "1"}
        if settings.DEBUG:
            known |= {"BASE_URL": self.address.url, "ALLOWED_HOSTS": ",".join(self.address.names)}
        return known | os.environ

    def watch(self) -> None:
        """Runs until a signal raises Interrupted."""
        tails = {name: LogTail(VAR_DIR / "log" / f"{name}.log") for name in PROGRAMS}
        for name in PROGRAMS:
            self.start_child(name)
        ask_for_heartbeat()
        impatient_at = time.monotonic() + PATIENCE
        welcomed = False
        terminal_is_ours = os.isatty(0) and os.getsid(0) == os.getppid()
        while True:
            self.stop.sleep(TICK)
            if terminal_is_ours and not os.isatty(0):  # closed; make, alone in it, does not pass the signal on
                raise Interrupted
            self.tend()
            self.show_errors(tails)
            if not welcomed and self.is_ready():
                welcomed = True
                self.welcome()
            elif not welcomed and time.monotonic() > impatient_at:
                impatient_at = float("inf")
                self.say(f"The site is not ready yet; its logs are in {VAR_DIR / 'log'}.")

    def show_errors(self, tails: dict[str, LogTail]) -> None:
        for name, tail in tails.items():
            for words in tail.errors():
                self.say(f"{name}: {words}  ({tail.path})")

    def is_ready(self) -> bool:
        """The web answers and a task went through the broker to a worker: the same as /readyz, without its log."""
        try:
            return self.address.answers() and heartbeat.is_fresh(at=timezone.now())
        except RedisError:
            return False

    def tend(self) -> None:
        sentences = self.servers.tend() if self.servers else []
        sentences += [said for child in self.children.values() if (said := child.tend())]
        for sentence in sentences:
            self.say(sentence)

    def welcome(self) -> None:
        base = self.address.url if settings.DEBUG else settings.BASE_URL
        lines = ["", "Loyalty Site is ready.", "", f"  Customers    {base}/", f"  Back office  {base}/admin/", ""]
        if settings.LOYALTY_DEMO:
            lines.append("  Sign in to the back office of the demo as")
            lines += [f"    {who.role:<14} {who.email:<24} {who.password}" for who in staff.accounts()]
            lines += [f"  or look around as one of its customers: {base}{reverse('portal:demo-sign-in')}", ""]
        elif not get_user_model().objects.exists():
            python = os.path.relpath(sys.executable)
            lines += [f"  Nobody can sign in yet. Make an owner: {python} manage.py createsuperuser", ""]
        connection.close()
        self.say("\n".join([*lines, f"  Logs are in {VAR_DIR / 'log'}. Press Ctrl-C to stop."]))

    def stop_all(self) -> None:
        """Beat, worker, web, then the servers. A second signal kills instead of asking."""
        for child in self.children.values():
            child.ask_to_stop()
        for child in reversed(self.children.values()):
            child.stop(hurry=lambda: self.stop.count > 1)
        if self.servers:
            self.servers.stop()

    def say(self, text: str) -> None:
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except OSError:  # the terminal was closed
            pass


def needs_migration() -> bool:
    """A quick look, so that a start with nothing to do costs no second process. `migrate` also writes down what stands
    for migrations that have all run."""
    try:
        executor = MigrationExecutor(connection)
    except OperationalError as error:
        raise CommandError(f"The database cannot be reached; look at DATABASE_URL. {error}") from error
    return not executor.loader.graph.nodes.keys() <= executor.recorder.applied_migrations().keys()


def ask_for_heartbeat() -> None:
    """So that the site is ready with its worker rather than at the timetable's next beat."""
    with suppress(KombuError):
        note_heartbeat.delay()
