import json

import numpy as np
import pytest
from PIL import Image

from tests.compositor.golden import FOLDER, GOLDENS, Golden, composed

LARGEST_STEP = 3
"""Of 255: what the processors' own paths through swscale differ by."""


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_a_canvas_looks_as_its_golden_picture(golden: Golden) -> None:
    document = json.loads(golden.spec.read_text())
    assert golden.document == document
    picture = composed(document, golden.size).astype(int)
    expected = np.asarray(Image.open(golden.picture)).astype(int)
    assert picture.shape == expected.shape
    assert abs(picture - expected).max() <= LARGEST_STEP


def test_there_is_no_golden_picture_of_nothing() -> None:
    files = {path for golden in GOLDENS for path in (golden.spec, golden.picture)}
    assert set(FOLDER.iterdir()) == files
