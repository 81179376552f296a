from devtools.workspace.repository import COMPOSE_FILE, profile_variables


def test_compose_takes_every_variable_of_the_load_profile() -> None:
    compose = COMPOSE_FILE.read_text()
    variables = profile_variables("load")

    assert all(int(value) >= 60_000 for value in variables.values())
    assert [name for name in variables if f"${{{name}:-}}" not in compose] == []
