"""The page on which a seller lets an app in, or does not."""

from html import escape
from urllib.parse import urlencode, urlsplit

from sync.sandbox.sellers import Seller

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Authorize · TikTok Shop sandbox</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto;
  padding: 0 1rem; }}
fieldset {{ border: 1px solid #8886; border-radius: .5rem; margin: 1rem 0; }}
label {{ display: block; padding: .3rem 0; }}
button {{ font: inherit; padding: .5rem 1.5rem; }}
</style>
{body}
</html>
"""

_FORM = """<h1>TikTok Shop sandbox</h1>
<p>The app <b>{service_id}</b> asks to work with a shop for its seller.
Nothing here is TikTok: these sellers are made up.</p>
<form method="post">
<input type="hidden" name="service_id" value="{service_id}">
<input type="hidden" name="state" value="{state}">
<fieldset><legend>Seller</legend>{sellers}</fieldset>
<p>It may: {scopes}.</p>
<button name="answer" value="allow">Allow</button>
<button name="answer" value="deny">Deny</button>
</form>"""

_SELLER = '<label><input type="radio" name="seller" value="{key}"{checked}> {name}: {shops}</label>'


def form(sellers: list[Seller], service_id: str, state: str, scopes: tuple[str, ...]) -> str:
    choices = "".join(
        _SELLER.format(
            key=escape(seller.key),
            checked=" checked" if index == 0 else "",
            name=escape(seller.name),
            shops=escape(_shops(seller)),
        )
        for index, seller in enumerate(sellers)
    )
    return _PAGE.format(
        body=_FORM.format(
            service_id=escape(service_id),
            state=escape(state),
            sellers=choices,
            scopes=escape(", ".join(scopes)),
        )
    )


def trouble(text: str) -> str:
    """The page for somebody who cannot go on."""
    return _PAGE.format(body=f"<h1>TikTok Shop sandbox</h1><p>{escape(text)}</p>")


def redirect(address: str, **query: str) -> str:
    """`address` with `query` added to its own."""
    joint = "&" if urlsplit(address).query else "?"
    return f"{address}{joint}{urlencode(query)}"


def _shops(seller: Seller) -> str:
    if not seller.shops:
        return "no shop yet"
    return ", ".join(f"{shop.name} ({shop.region})" for shop in seller.shops)
