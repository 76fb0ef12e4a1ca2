"""Answers of the back office: JSON, errors in the contract's one shape, gzip for who accepts it."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

from lcvsync.emulators.http import Request, Response

_MEANINGS = {
    400: ("malformed", "The request can't be understood."),
    401: ("invalid_key", "This access key is not known."),
    404: ("not_found", "There is no such record."),
    409: ("conflict", "The request contradicts an earlier one."),
    410: ("cursor_expired", "Deleted records have been forgotten: read this feed again from 0."),
    422: ("invalid", "The body can't be accepted."),
    429: ("too_many_requests", "Too many requests."),
    500: ("internal", "The back office failed."),
    503: ("unavailable", "The back office is down for maintenance."),
}


class RefusalError(Exception):
    """Ends a request with an error in the contract's shape."""

    def __init__(
        self, status: int, code: str, message: str, *, details: dict[str, str] | None = None, retry_after: int = 0
    ) -> None:
        super().__init__(message)
        error: dict[str, object] = {"code": code, "message": message}
        if details:
            error["details"] = [{"field": name, "message": text} for name, text in details.items()]
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        if retry_after:
            headers["Retry-After"] = str(retry_after)
        self.response = answer({"error": error}, status, headers)


def answer(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """*content* as JSON; records in it are shown by their members."""
    body = json.dumps(content, ensure_ascii=False, default=vars).encode()
    return Response(status, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def plain_refusal(status: int) -> Response:
    """The error with which the back office would answer this *status* without further reason."""
    code, message = _MEANINGS.get(status, ("error", "The request failed."))
    return RefusalError(status, code, message, retry_after=1 if status in {429, 503} else 0).response


def zipped(request: Request, response: Response) -> Response:
    """*response* compressed, if it is JSON with a body and the client accepts gzip."""
    if not response.body or not response.headers.get("Content-Type", "").startswith("application/json"):
        return response
    if not _accepts_gzip(request.headers.get("accept-encoding", "")):
        return response
    body = gzip.compress(response.body, compresslevel=1, mtime=0)
    return replace(response, body=body, headers={**response.headers, "Content-Encoding": "gzip"})


def _accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header names gzip, with a weight that is not 0."""
    for choice in header.lower().split(","):
        coding, _, weight = choice.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def json_body(request: Request) -> object:
    """The parsed body; refuses with 422 what is no JSON."""
    try:
        return json.loads(request.body)
    except ValueError as error:
        raise RefusalError(422, "invalid", "The body is no JSON.", details={"body": str(error)}) from error
