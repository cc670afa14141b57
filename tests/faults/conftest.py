import pytest

pytest.register_assert_rewrite("tests.faults.site", "tests.faults.beside")
