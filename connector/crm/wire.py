"""urllib3 connections that ask the fence: the SDKs of both CRMs send through urllib3, and nothing sees bytes later."""

from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from connector.ports import fence


class _Asking(HTTPConnection):
    """Asks before each write to the socket: the head, the body, and each part of a large one. A CRM carries out no
    request whose last byte has not come, and an upload that takes long is ours all the time."""

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        fence.ask()
        super().send(data)


class _AskingTLS(_Asking, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Asking


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _AskingTLS


def fenced(manager: PoolManager) -> None:
    """Every connection that this manager opens from now on asks."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
