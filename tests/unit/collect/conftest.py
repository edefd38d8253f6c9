"""A second warehouse, for a Firmly of these tests' own."""

from pathlib import Path

import pytest

from firmly.warehouse.store import Warehouse, open_embedded


@pytest.fixture(scope="session")
def loaded_elsewhere(warehouse_folder: Path) -> Warehouse:
    """Closed by the Firmly that gets it."""
    return open_embedded(warehouse_folder, "elsewhere")
