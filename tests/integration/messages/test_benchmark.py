"""The benchmark of storing messages, with few of them: each way stores all, and the table names each."""

from chalicelib.adapters.postgres.connections import Connections
from scripts.benchmarks.messages import measure, messages, table


def test_each_way_stores_every_message_and_has_its_line(database_url: str) -> None:
    connections = Connections(lambda: database_url)
    figures = measure(connections, messages(30), 2)
    connections.close()
    assert [len(one.rates) for one in figures] == [2, 2, 2, 2]
    assert all(rate > 0 for one in figures for rate in one.rates)
    lines = table(figures, 30, 2).splitlines()
    assert lines[0] == "30 messages, median of 2 rounds"
    assert [line.split("  ")[0] for line in lines[2:]] == [one.name for one in figures]
    assert lines[2].split()[-1] == "1.0"
