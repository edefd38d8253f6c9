"""Runs the numbered migrations on the connection that `ControlPlane.migrate` hands over.

It reads no ini file, leaves logging alone, and imports no tables: migrations spell out their own.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
