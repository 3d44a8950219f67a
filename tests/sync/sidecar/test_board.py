from sync.model import ProductId
from sync.sidecar.board import MOST_FAILURES, RATE_OVER_S, Board
from sync.store.progress import Failed

ASH = ProductId("p_ash")


def failed(product: ProductId) -> Failed:
    return Failed(product, "1", "no", 1, 60.0)


def test_each_product_counts_in_one_state() -> None:
    board = Board()
    for state in ("waiting", "failed", "done", "left_out", "done"):
        board.put(ASH, state, 0.0)
    progress = board.progress(0.0, "")
    assert (progress.done, progress.waiting, progress.failed, progress.left_out) == (1, 0, 0, 0)
    board.remove(ASH)
    assert board.progress(0.0, "").done == 0


def test_a_failure_is_told_until_it_is_over() -> None:
    board = Board()
    board.put(ASH, "failed", 0.0, failed(ASH))
    assert board.progress(0.0, "").failures == (failed(ASH),)
    board.put(ASH, "done", 1.0)
    assert board.progress(1.0, "").failures == ()


def test_of_many_failures_the_first_are_told() -> None:
    board = Board()
    for number in range(MOST_FAILURES + 1):
        product = ProductId(f"p_{number:03}")
        board.put(product, "failed", 0.0, failed(product))
    progress = board.progress(0.0, "")
    assert (progress.failed, len(progress.failures)) == (MOST_FAILURES + 1, MOST_FAILURES)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    board = Board()
    for number in range(20):
        product = ProductId(f"p_{number}")
        board.put(product, "waiting", 0.0)
        board.put(product, "done", 1.0)
    assert board.progress(1.0, "").per_s == 20 / RATE_OVER_S
    assert board.progress(1.0 + RATE_OVER_S, "").per_s == 0.0
