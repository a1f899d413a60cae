"""What a page says when it cannot do what was asked: whole pages for a visit, a passing word for a part of one."""

import logging

from flask import Flask, Response, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden, HTTPException, TooManyRequests

from connector import errors
from connector.ids import new_id
from connector.web.auth.gate import ENROL, PROVE
from connector.web.auth.roles import ROLES
from connector.web.frame import t
from connector.web.pages import proving

log = logging.getLogger("connector.web")


def tell(app: Flask) -> None:
    """Registers what is said."""
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(errors.StoreDown, _database)
    app.register_error_handler(errors.ConnectorError, _known)
    app.register_error_handler(Exception, _broken)


def _refused(error: HTTPException) -> Response:
    code = error.code or 500
    if code < 400:  # a redirect that werkzeug raises
        return error.get_response()  # type: ignore[return-value]
    if isinstance(error, Forbidden):
        role = str(error.description or "")
        if role == PROVE:
            return proving.asked()
        if role == ENROL:
            return _enrol_first()
        if role.startswith("scope "):
            return answer(code, t("error.forbidden"), t("error.scope", scope=role.removeprefix("scope ")))
        if role in ROLES:
            return answer(code, t("error.forbidden"), t("frame.not_allowed_role", role=t(f"role.{role}")))
        return answer(code, t("error.forbidden"), t("error.stale_form") if role == "form" else "")
    if code == 401:
        return answer(code, t("error.session"))
    if isinstance(error, TooManyRequests):
        response = answer(code, t("error.slow"))
        response.headers["Retry-After"] = str(error.retry_after or 60)
        return response
    if code == 413:
        return answer(code, t("error.too_large"))
    if code in (404, 405):
        return answer(code, t("error.not_found"), t("error.not_found_hint"))
    return answer(code, t("error.wrong_input", why=error.name))


def _enrol_first() -> Response:
    """A page leads to where a second factor is set up; anything else is told why it has to wait."""
    if request.method == "GET" and "HX-Request" not in request.headers:
        return redirect(url_for("access.index"))  # type: ignore[return-value]
    return answer(403, t("error.enrol"), t("error.enrol_hint"))


def _database(error: errors.StoreDown) -> Response:
    log.warning("a page cannot be shown: %s", error)
    response = answer(503, t("error.database"))
    response.headers["Retry-After"] = "5"
    return response


def _known(error: errors.ConnectorError) -> Response:
    """What we refuse ourselves says what and what to do."""
    codes = {errors.TryAgain: 503, errors.NeedsPerson: 409, errors.NotFound: 404}
    code = next((code for kind, code in codes.items() if isinstance(error, kind)), 422)
    return answer(code, error.message, error.hint)


def _broken(error: Exception) -> Response:
    number = new_id()[-12:]
    rule = request.url_rule.rule if request.url_rule is not None else "-"
    log.error("page %s %s failed, number %s", request.method, rule, number, exc_info=error)
    try:
        return answer(500, t("error.broken", id=number))
    except Exception:  # the page that says so is what fails
        log.exception("number %s cannot be told as a page", number)
        return make_response(f"Something is wrong on our side. It is in the log with this number: {number}.", 500)


def answer(code: int, text: str, hint: str = "") -> Response:
    """JSON for the API, a passing word for htmx (the page stays as it is), a page for everybody else."""
    if request.path.startswith("/api/"):
        response = jsonify(error=text, hint=hint)
    elif "HX-Request" in request.headers:
        response = make_response(render_template("parts/failure.html", code=code, text=text, hint=hint))
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#toasts", "beforeend"
        response.headers["HX-Reselect"] = ".toast"  # whatever part of its answer the form wanted
    else:
        response = make_response(render_template("failure.html", code=code, text=text, hint=hint))
    response.status_code = code
    return response
