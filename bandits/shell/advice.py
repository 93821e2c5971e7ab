"""What to type: the library says what is wrong, with facts, and here they become commands.

One table, from the class of an error or of a picture's note to how its line goes on.  Facts are what
the class says they are; a class that is not here says all there is to say.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from bandits.errors import BanditsError
from bandits.model.settings import NoSuchSetting, is_chosen_at_birth

_BIRTHS = {
    "n_embd": "create_agent NAME 32",
    "n_layer": "create_agent NAME 16 2",
    "n_head": "create_agent NAME 16 1 2",
    "block_size": "create_agent NAME --block-size 32",
    "seed": "create_agent NAME --seed 7",
}


def in_full(problem: object) -> str:
    """Return the line of an error or a note, with what to type."""
    words = _table().get(type(problem))
    return f"{problem}{words(problem)}" if words else str(problem)


@cache
def _table() -> dict[type, Callable[[Any], str]]:
    # Imported when the first line is due: pictures and pages are none of the start's business.
    from bandits.agent.agent import AtHorizon, HasDiverged, NotFinite
    from bandits.agent.champion import NotAChampion
    from bandits.arena.battles import FightsItself, NoMatchYet
    from bandits.arena.desk import NoAgents
    from bandits.arena.library import NoDataset
    from bandits.arena.looking import LongCourse, UnreadableText
    from bandits.arena.proof import ChampionNameTaken, UnknownText, UnknownTextToVerify
    from bandits.model.batch_memory import BatchTooLarge
    from bandits.outfile import CannotWrite
    from bandits.pages.leaderboard import NobodyToReport
    from bandits.pictures.attention import LastLayer
    from bandits.pictures.loss import NoLossYet
    from bandits.pictures.pareto import NothingSpent
    from bandits.pictures.race import CurvesNotKept, NobodyRan, NotAMatch
    from bandits.pictures.registration import TooManyAgents
    from bandits.pictures.schedule import HorizonReached
    from bandits.store.agents import DamagedAgent, NameTaken, NoAgent

    return {
        NoSuchSetting: _about_a_setting,
        BatchTooLarge: lambda e: f": try config batch_size {e.largest}{_of(e)}",
        HasDiverged: lambda e: "; load an earlier champion or create a new agent",
        AtHorizon: lambda e: (
            f"; try config horizon {2 * e.horizon}{_of(e)} or config schedule constant{_of(e)}"
        ),
        NotFinite: lambda e: f"; try 'visualize loss {e.agent}'",
        NoAgents: lambda e: "; make one with create_agent NAME",
        NoAgent: lambda e: " (agents lists them)",
        NameTaken: lambda e: "; choose another (agents lists them)",
        DamagedAgent: lambda e: "; delete_agent removes it",
        FightsItself: lambda e: f"; clone it: clone_agent {e.agent} NAME",
        NoMatchYet: lambda e: "; try 'battle A B 100'",
        NoDataset: lambda e: " (dataset lists them)",
        ChampionNameTaken: lambda e: "; load it under another: load FILE --as NAME",
        UnknownText: lambda e: "; open its text first: dataset FILE",
        UnknownTextToVerify: lambda e: "; name its text: verify FILE --dataset TEXT",
        UnreadableText: lambda e: f"; try --text {e.example}",
        LongCourse: lambda note: "; --replay waits for it",
        NotAChampion: lambda e: "; `save` writes champions",
        CannotWrite: lambda e: f"; try --save elsewhere{e.path.suffix}",
        NobodyToReport: lambda e: "; try 'create_agent Ada'",
        LastLayer: lambda note: "; --layer 0 shows the first",
        NoLossYet: lambda e: f"; try 'train 100 {e.agent}'",
        NothingSpent: lambda e: "; try 'train 100'",
        CurvesNotKept: lambda e: f"; battle {' '.join(e.names)} again to see a race",
        NobodyRan: lambda e: f"; try 'visualize schedule {' '.join(e.names)}'",
        NotAMatch: lambda e: "; try 'visualize race 1'",
        HorizonReached: lambda note: f": config horizon {2 * note.horizon} --agent {note.agent}",
        TooManyAgents: lambda e: f"; try 'visualize {e.what} {e.names[0]}'",
    }


def _of(error: BanditsError) -> str:
    """Return the option that names the agent of an error, if a command would mean another one without."""
    return "" if error.agent is None or error.is_current else f" --agent {error.agent}"


def _about_a_setting(error: NoSuchSetting) -> str:
    if is_chosen_at_birth(error.key):
        return f"; try '{_BIRTHS.get(error.key, 'create_agent NAME')}'"
    return " (config lists them)"
