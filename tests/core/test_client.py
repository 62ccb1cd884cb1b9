from pyvirtd.core.client import DAEMON, Client, Identity, current


def test_close_callbacks_run_once_in_order_and_survive_failures() -> None:
    client = Client(7, identity=Identity(pid=12))
    seen: list[str] = []
    client.on_close(lambda: seen.append("first"))
    undo = client.on_close(lambda: seen.append("never"))
    client.on_close(lambda: [][0])
    client.on_close(lambda: seen.append("last"))
    undo()
    undo()
    client.close()
    client.close()
    assert seen == ["first", "last"]


def test_on_close_after_the_end_runs_at_once() -> None:
    client = Client(7)
    client.close()
    seen: list[int] = []
    client.on_close(lambda: seen.append(1))
    assert seen == [1]


def test_outside_of_a_call_the_daemon_is_current() -> None:
    assert current() is DAEMON
    assert str(Client(3, identity=Identity(pid=12))) == "client 3 (pid 12)"
