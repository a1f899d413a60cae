"""What the tests of both CRMs share."""

import pytest

pytest.register_assert_rewrite("tests.crm.contract", "tests.crm.contract_reading")
