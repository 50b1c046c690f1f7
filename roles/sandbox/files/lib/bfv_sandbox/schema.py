# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases of a sandbox.

schema.py SETTINGS install   make MariaDB's data directory
schema.py SETTINGS migrate   bring the databases of all services to the installed version

Migrations are slow. A dump of freshly migrated databases, without any secret or address in it, is kept in the cache and
loaded the next time that databases are made from nothing.
"""

import gzip
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pymysql

from bfv_sandbox.settings import Settings, changed, fail


@dataclass(frozen=True)
class Schema:
    """The databases of one service, and the commands that make their tables."""

    service: str
    databases: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...]


# Cell mappings as templates of the settings: so the dump fits every sandbox.
NOVA_CELL0 = "{scheme}://{username}@{hostname}/nova_cell0?{query}"
NOVA_CELL1 = "{scheme}://{username}@{hostname}/{path}?{query}"
NOVA_TRANSPORT = "{scheme}://{username}:{password}@{hostname}:{port}/"
NOVA_MANAGE = ("nova-manage", "--config-file", "nova.conf", "--config-file", "nova-db.conf")

# The slowest first, for they are run in parallel.
SCHEMAS = (
    Schema(
        "nova",
        ("nova_api", "nova_cell0", "nova"),
        (
            (*NOVA_MANAGE, "api_db", "sync"),
            (*NOVA_MANAGE, "cell_v2", "map_cell0", "--database_connection", NOVA_CELL0),
            (*NOVA_MANAGE, "db", "sync"),
            (
                *(*NOVA_MANAGE, "cell_v2", "create_cell", "--name", "cell1"),
                *("--transport-url", NOVA_TRANSPORT, "--database_connection", NOVA_CELL1),
            ),
        ),
    ),
    Schema("neutron", ("neutron",), (("neutron-db-manage", "--config-file", "neutron.conf", "upgrade", "heads"),)),
    Schema("keystone", ("keystone",), (("keystone-manage", "--config-file", "keystone.conf", "db_sync"),)),
    Schema("ironic", ("ironic",), (("ironic-dbsync", "--config-file", "ironic.conf", "upgrade"),)),
    Schema("cinder", ("cinder",), (("cinder-manage", "--config-file", "cinder.conf", "db", "sync"),)),
    Schema("glance", ("glance",), (("glance-manage", "--config-file", "glance-api.conf", "db_sync"),)),
    Schema("placement", ("placement",), (("placement-manage", "--config-file", "placement.conf", "db", "sync"),)),
)
NOVA_CELL_EXISTS = 2  # the exit code of `create_cell` and `map_cell0` when there is such a cell already


class Migration:
    """All that is done to the databases of one service."""

    def __init__(self, settings: Settings, schema: Schema) -> None:
        self.settings = settings
        self.schema = schema
        self.version = self._version()
        self.marker = settings.base / "data" / "schema" / schema.service
        self.dump = settings.cache / f"{schema.service}-{self.version[:16]}.sql.gz"

    def _version(self) -> str:
        """A digest of all that the tables depend on: the installed packages and the commands."""
        return hashlib.sha256(f"{self.settings['packages']} {self.schema}".encode()).hexdigest()

    def needed(self) -> bool:
        return not self.marker.exists() or self.marker.read_text() != self.version

    def run(self) -> str:
        if self.marker.exists():
            self._migrate()
            how = "migrated"
        else:
            # Without the marker the services have never run on these databases: they hold nothing.
            how = self._make()
        self.marker.parent.mkdir(parents=True, exist_ok=True)
        self.marker.write_text(self.version)
        return f"{how} the databases of {self.schema.service}"

    def _make(self) -> str:
        with connect(self.settings) as connection, connection.cursor() as cursor:
            for database in self.schema.databases:
                cursor.execute(f"DROP DATABASE IF EXISTS {database}")
                cursor.execute(f"CREATE DATABASE {database} CHARACTER SET utf8mb3")
        if self.dump.exists():
            self._load()
            how = "loaded"
        else:
            self._migrate()
            self._save()
            how = "made"
        if self.schema.service == "keystone":
            bootstrap_keystone(self.settings)
        return how

    def _migrate(self) -> None:
        for command in self.schema.commands:
            run_command(self.settings, command)

    def _load(self) -> None:
        statements = b"SET unique_checks=0; SET foreign_key_checks=0;\n" + gzip.decompress(self.dump.read_bytes())
        subprocess.run(["mariadb", *client_options(self.settings)], input=statements, check=True)

    def _save(self) -> None:
        options = [*client_options(self.settings), "--skip-comments", "--databases", *self.schema.databases]
        dump = subprocess.run(["mariadb-dump", *options], stdout=subprocess.PIPE, check=True).stdout
        # Never leave half a dump under the final name.
        unfinished = self.dump.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(gzip.compress(dump))
        unfinished.replace(self.dump)


def client_options(settings: Settings) -> list[str]:
    return ["--no-defaults", f"--socket={settings.run / 'mariadb.sock'}", f"--user={settings['user']}"]


def connect(settings: Settings) -> "pymysql.connections.Connection":
    """MariaDB knows the user by the socket: there is no password."""
    return pymysql.connect(unix_socket=str(settings.run / "mariadb.sock"), user=settings["user"])


def run_command(settings: Settings, command: tuple[str, ...], **environment: str) -> None:
    """Run a command of the virtual environment in the folder of the configuration files."""
    log = settings.log_of("schema")
    with log.open("ab") as output:
        code = subprocess.run(
            [settings.bin / command[0], *command[1:]],
            cwd=settings.etc,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code and not ("cell_v2" in command and code == NOVA_CELL_EXISTS):
        lines = log.read_text(errors="replace").splitlines()[-15:]
        fail("\n".join([f"`{' '.join(command[:1] + command[-2:])}` failed. The end of {log}:", *lines]))


def bootstrap_keystone(settings: Settings) -> None:
    """Make the first user, admin, with its roles; catalogue entries and all else follow through the API."""
    run_command(
        settings,
        ("keystone-manage", "--config-file", "keystone.conf", "bootstrap"),
        OS_BOOTSTRAP_PASSWORD=settings["passwords"]["admin"],
        OS_BOOTSTRAP_REGION_ID=settings["region"],
        OS_BOOTSTRAP_PUBLIC_URL=settings["catalog"]["identity"],
        OS_BOOTSTRAP_INTERNAL_URL=settings["catalog"]["identity"],
        OS_BOOTSTRAP_ADMIN_URL=settings["catalog"]["identity"],
    )


def install(settings: Settings) -> None:
    folder = settings.base / "data" / "mysql"
    if folder.exists():
        return
    # Never leave half a data directory under the final name.
    unfinished = folder.with_name("mysql.unfinished")
    subprocess.run(["rm", "-rf", unfinished], check=True)
    result = subprocess.run(
        [
            "mariadb-install-db",
            "--no-defaults",
            f"--user={settings['user']}",
            f"--datadir={unfinished}",
            "--auth-root-authentication-method=socket",
            f"--auth-root-socket-user={settings['user']}",
            "--skip-test-db",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode:
        fail(f"mariadb-install-db failed:\n{result.stdout}")
    unfinished.rename(folder)
    changed("made MariaDB's data directory")


def migrate(settings: Settings) -> None:
    wanted = [Migration(settings, schema) for schema in SCHEMAS if schema.service in settings["schemas"]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # A failure ends the command with its message: SystemExit goes through Future.result().
        for what in pool.map(Migration.run, [migration for migration in wanted if migration.needed()]):
            changed(what)


def main() -> None:
    settings = Settings(sys.argv[1])
    {"install": install, "migrate": migrate}[sys.argv[2]](settings)


if __name__ == "__main__":
    main()
