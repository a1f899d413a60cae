"""The two moments a person is at: they give leave, they take it back. The tokens between are `oauth`'s."""

import requests

from connector.crm.salesforce import hosts, oauth
from connector.crm.salesforce.client import TIMEOUT, new_session
from connector.errors import NotAllowed, Unreachable
from connector.ports import Account, Granted, Token


def exchange(account: Account, granted: Granted) -> Token:
    """The first tokens for the code the browser came back with."""
    form = {
        "grant_type": "authorization_code", "code": granted.code, "redirect_uri": granted.redirect_uri,
        "code_verifier": granted.verifier, **oauth.client(account),
    }  # fmt: skip
    with new_session() as session:
        token = oauth.ask(account, form, None, session, TIMEOUT)
    if not token.get("refresh_token"):
        raise NotAllowed(
            "Salesforce gave no refresh token.",
            hint="Add the scope 'Perform requests at any time (refresh_token)' to the app, then connect again.",
            code="no_refresh_token",
        )
    return token


def revoke(account: Account, token: Token) -> None:
    """Ends the refresh token and all sessions that came of it; else the session alone."""
    given = str(token.get("refresh_token") or token.get("access_token") or "")
    if not given:
        return
    try:
        with new_session() as session:
            answer = session.post(
                f"{hosts.base(account)}/services/oauth2/revoke",
                data={"token": given}, timeout=TIMEOUT, allow_redirects=False,
            )  # fmt: skip
    except requests.RequestException as failure:
        raise oauth.transport(failure) from None
    if answer.status_code not in (200, 400):  # 400: it had ended already
        raise Unreachable("Salesforce did not revoke the token.", code="not_revoked", status=answer.status_code)
