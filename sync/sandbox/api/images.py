"""The upload of images."""

from typing import Any

from sync.sandbox.call import Call
from sync.sandbox.errors import Refused
from sync.sandbox.images import url
from sync.sandbox.wire import Code


def upload(call: Call) -> Any:
    if not (data := call.form.get("data")):
        raise Refused(Code.PARAMETER, "The part `data` with the image is missing.")
    use_case = call.form.get("use_case", b"MAIN_IMAGE").decode("utf-8", "replace")
    uploaded = call.world.images.upload(data, use_case, call.owner)
    return {
        "height": uploaded.height,
        "uri": uploaded.uri,
        "url": url(uploaded.uri),
        "use_case": uploaded.use_case,
        "width": uploaded.width,
    }
