"""What can be typed: a command set is one file of this folder and one line in COMMAND_SETS.

`help` and completion have the categories and commands in this order; each set says in which category it
stands, each parser with which example.
"""

from __future__ import annotations

from bandits.commands.about import AboutCommands
from bandits.commands.agents import RosterCommands
from bandits.commands.battles import BattleCommands
from bandits.commands.datasets import DataCommands
from bandits.commands.diagnosis import InsightCommands
from bandits.commands.export import ExportCommands
from bandits.commands.files import FileCommands
from bandits.commands.jobs import JobCommands
from bandits.commands.pictures import PictureCommands
from bandits.commands.reports import ReportCommands
from bandits.commands.settings import SettingsCommands
from bandits.commands.training import TrainingCommands
from bandits.commands.tutorial import TutorialCommands
from bandits.commands.verification import VerificationCommands

COMMAND_SETS = (
    RosterCommands,
    FileCommands,
    TrainingCommands,
    SettingsCommands,
    JobCommands,
    BattleCommands,
    ReportCommands,
    VerificationCommands,
    InsightCommands,
    PictureCommands,
    DataCommands,
    TutorialCommands,
    AboutCommands,
    ExportCommands,
)
