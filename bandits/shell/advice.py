"""What to type about an error: the library says what is wrong, and here its facts become commands."""

from __future__ import annotations

from functools import singledispatch

from bandits.errors import BanditsError
from bandits.model.batch_memory import BatchTooLarge
from bandits.model.settings import NoSuchSetting, is_chosen_at_birth

_BIRTHS = {
    "n_embd": "create_agent NAME 32",
    "n_layer": "create_agent NAME 16 2",
    "n_head": "create_agent NAME 16 1 2",
    "block_size": "create_agent NAME --block-size 32",
    "seed": "create_agent NAME --seed 7",
}


@singledispatch
def advice(error: BanditsError) -> str:
    """Return how the line of an error goes on with what to type; nothing where it says all."""
    return ""


@advice.register
def _(error: NoSuchSetting) -> str:
    if is_chosen_at_birth(error.key):
        return f"; try '{_BIRTHS.get(error.key, 'create_agent NAME')}'"
    return " (config lists them)"


@advice.register
def _(error: BatchTooLarge) -> str:
    return f": try config batch_size {error.largest}"
