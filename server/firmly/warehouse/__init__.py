"""ClickHouse through clickhouse-connect: the store, its migrations and queries, and the loader."""
