"""The connections of both CRMs over TLS: the fence is asked, connected already."""

import pytest
import urllib3

from connector.crm.wire import fenced
from connector.ports import fence
from tests.whatsapp.test_wire import certificate, secure

__all__ = ["certificate", "secure"]


def test_over_tls_nothing_leaves_unasked(secure, certificate):
    asked = []

    def question():
        asked.append((len(secure.heard), len(secure.ports)))
        if len(asked) == 3:  # the second one's head
            raise fence.Late

    with urllib3.PoolManager(ca_certs=str(certificate), retries=False) as manager:
        fenced(manager)
        with fence.asked(question):
            assert manager.request("POST", f"{secure.url}/x", body=b"{}").status == 404
            with pytest.raises(fence.Late):
                manager.request("POST", f"{secure.url}/x", body=b"{}")
        assert [heard for heard, _ in asked] == [0, 0, 1]
        assert manager.request("POST", f"{secure.url}/x", body=b"{}").status == 404
    assert len(secure.heard) == 2
