"""Prints every table of every database of a stopped process's warehouse, decoded; system's tables too.

Run as `python -m tests.faults.decode FOLDER`, since chDB opens one folder per process. Between tables
stands a null byte, between a table's name and its rows a byte 1.
"""

import sys

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

ENDLESS = "^System(Numbers|Zeros|Primes|GenerateSeries)"
"""Engines that make numbers without end and hold nothing."""
OF_THE_PROGRAM = ("documentation", "functions", "licenses", "symbols", "contributors", "time_zones", "unicode")
"""Large tables of `system` that come with the program and hold nothing of a run."""
MOST_ROWS = 200_000


def main() -> None:
    client = clickhouse_connect.get_client(interface="chdb", path=sys.argv[1])
    tables = client.query(
        "select database, name from system.tables "
        "where lower(database) != 'information_schema' and not match(engine, {endless:String}) "
        "and not (database = 'system' and name in {program:Array(String)})",
        parameters={"endless": ENDLESS, "program": list(OF_THE_PROGRAM)},
    )
    for database, name in tables.result_rows:
        try:
            rows = client.raw_query(f"select * from `{database}`.`{name}` limit {MOST_ROWS} format JSONEachRow")
        except ClickHouseError:  # Some of system's tables need a part that is not configured.
            continue
        sys.stdout.buffer.write(f"\x00{database}.{name}\x01".encode() + rows)


if __name__ == "__main__":
    main()
