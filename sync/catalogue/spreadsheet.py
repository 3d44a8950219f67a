"""Text that a spreadsheet would run as a formula, made harmless and made itself again. Pure.

Source: OWASP, CSV Injection: what begins with one of these is a formula to Excel, LibreOffice or
Google Sheets; an apostrophe in front makes it text.
"""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def escaped(text: str) -> str:
    """`text` as no spreadsheet runs it. What looks escaped already is escaped once more, so that
    `unescaped` gives every text back."""
    return f"'{text}" if _FORMULA.match(text) else text


def unescaped(text: str) -> str:
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
