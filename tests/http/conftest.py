"""The accounts of the documented paths, here too."""

from tests.rest_compat.conftest import exporting, recorded, stranger

__all__ = ["exporting", "recorded", "stranger"]
