"""Revisions as HTTP has them: an answer's ETag, and the If-Match of the change that follows."""

import re

from aiohttp import web

from mediaserver.api.bodies import shown
from mediaserver.errors import BadRequest

_REVISION = re.compile(r'"?([0-9]{1,15})"?')


def etag(revision: int) -> dict[str, str]:
    """The header of an answer that tells the revision of what is in it."""
    return {"ETag": f'"{revision}"'}


def expected_revision(request: web.Request) -> int | None:
    """The revision that a change is to be made on, None where any will do. Raises BadRequest."""
    given = request.headers.get("If-Match")
    if given is None:
        return None
    found = _REVISION.fullmatch(given.strip())
    if found is None:
        raise BadRequest(
            f'must be one revision, as an ETag has it, such as "7", not {shown(given)}', "If-Match"
        )
    return int(found[1])


def needed_revision(request: web.Request) -> int:
    """The revision that a change is to be made on. Raises BadRequest, and HTTP 428 without one."""
    revision = expected_revision(request)
    if revision is None:
        raise web.HTTPPreconditionRequired(
            text="send If-Match with the revision that you have read, so that no change of others "
            "is lost"
        )
    return revision
