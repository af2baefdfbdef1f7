"""People from the command line: where their role holds, and what they get to sign in with."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from program.exit_codes import ExitCode
from sync_server import commands
from sync_server.__main__ import main
from sync_server.services.scopes import Scope, ScopeKind
from sync_server.services.sessions import find_person_to_sign_in
from tests.integration.sync_server.support import HouseOnDisk


class Commands:
    """Runs commands of `boxgate-server` on a house."""

    def __init__(
        self, house: HouseOnDisk, capsys: pytest.CaptureFixture[str], config: object
    ) -> None:
        self.house, self._capsys, self._config = house, capsys, config
        self.out = self.err = ""

    def __call__(self, *argv: object) -> int:
        code = main([*(str(each) for each in argv), "--config", str(self._config)])
        self.out, self.err = self._capsys.readouterr()
        return code

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        with commands.opened_house(self.house.settings) as opened, opened.engine.connect() as found:
            return [tuple(row) for row in found.execute(text(statement))]


@pytest.fixture
def run(house: HouseOnDisk, capsys: pytest.CaptureFixture[str]) -> Commands:
    config = house.settings.data_dir.parent / "server.toml"
    config.write_text(
        f'data_dir = "{house.settings.data_dir}"\ndatabase_url = "{house.settings.database_url}"\n'
    )
    return Commands(house, capsys, config)


def test_a_role_for_an_event_is_kept_and_gets_no_pin(run: Commands) -> None:
    words = ("add-person", "zhao.lei", "--name", "赵磊", "--role", "manager")
    assert run(*words, "--event", "hamlet", "--event", "faust") == ExitCode.OK
    assert "PIN" not in run.out
    with commands.opened_house(run.house.settings) as opened, opened.engine.connect() as connection:
        found = find_person_to_sign_in(connection, "zhao.lei")
    assert found is not None
    assert found[0].scope == Scope(ScopeKind.EVENT, frozenset({"hamlet", "faust"}))


def test_a_role_for_events_and_agencies_at_once_is_refused(run: Commands) -> None:
    words = ("add-person", "zhao.lei", "--name", "赵磊", "--role", "agent")
    assert run(*words, "--event", "hamlet", "--agency", "north") == ExitCode.REFUSED
    assert "not for both" in run.err
    assert run.rows("SELECT count(*) FROM person WHERE login = 'zhao.lei'") == [(0,)]
