"""The shell: the only package that prints, and the only one that knows cmd2 and rich.

A command set is one file and one line in COMMAND_SETS.
"""

from __future__ import annotations

from bandits.shell.about import AboutCommands
from bandits.shell.background import JobCommands
from bandits.shell.battles import BattleCommands
from bandits.shell.data import DataCommands
from bandits.shell.exporting import ExportCommands
from bandits.shell.files import FileCommands
from bandits.shell.insight import InsightCommands
from bandits.shell.pictures import PictureCommands
from bandits.shell.reporting import ReportCommands
from bandits.shell.roster import RosterCommands
from bandits.shell.settings import SettingsCommands
from bandits.shell.training import TrainingCommands
from bandits.shell.tutorial import TutorialCommands
from bandits.shell.verification import VerificationCommands

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
