"""The shell: the only package that prints, and the only one that knows cmd2 and rich.

A command set is one file and one line in COMMAND_SETS.
"""

from __future__ import annotations

from bandits.commands.about import AboutCommands
from bandits.commands.agents import RosterCommands
from bandits.commands.battles import BattleCommands
from bandits.commands.datasets import DataCommands
from bandits.commands.diagnosis import InsightCommands
from bandits.commands.files import ExportCommands, FileCommands
from bandits.commands.jobs import JobCommands
from bandits.commands.pictures import PictureCommands
from bandits.commands.reports import ReportCommands
from bandits.commands.settings import SettingsCommands
from bandits.commands.training import TrainingCommands
from bandits.commands.tutorial import TutorialCommands
from bandits.commands.verification import VerificationCommands

COMMAND_SETS = (
    RosterCommands,
    TrainingCommands,
    JobCommands,
    SettingsCommands,
    BattleCommands,
    DataCommands,
    FileCommands,
    VerificationCommands,
    InsightCommands,
    PictureCommands,
    ReportCommands,
    TutorialCommands,
    ExportCommands,
    AboutCommands,
)
