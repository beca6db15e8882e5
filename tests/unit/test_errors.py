"""What an error promises beside its words."""

from __future__ import annotations

import pickle

from cplus.errors import CheckpointContended, CplusError


def test_an_error_comes_whole_from_another_process() -> None:
    raised = CheckpointContended(projection="counter", shop="acorn.myshopify.com")
    come: CplusError = pickle.loads(pickle.dumps(raised))
    assert (type(come), str(come), come.values) == (type(raised), str(raised), raised.values)
