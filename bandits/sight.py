"""What one may look at in an agent: its losses, its gradients, its health.

The half of `bandits.arena.Arena` that shows an agent and leaves it as it is.  What runs the model is
charged to the agent as evaluation, in operations; what only reads its state is free.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bandits import health
from bandits.agent import Agent
from bandits.energy import Energy
from bandits.history import LossHistory
from bandits.roster import Roster
from bandits.states import spent_since
from bandits.store import AgentRecord


class Sight(Roster):
    """The agents of an open arena.db, to look at; see Arena."""

    def losses(self, name: str | None = None) -> LossHistory:
        """Return the loss of every step an agent has trained.  Raises UnknownName."""
        return self._loaded(name)[1].history

    def gradients(self, name: str | None = None) -> dict[str, npt.NDArray[np.float32]]:
        """Return the gradients of an agent's next minibatch by weight name, and charge it.

        Raises: UnknownName, StoreError.
        """
        record, agent = self._loaded(name)
        _, n_flops = agent.model.probe(agent.next_documents(agent.settings.batch_size))
        agent.charge(Energy(evaluation=n_flops))
        self._charge(record, agent, "gradients")
        return agent.model.gradients()

    def diagnose(self, name: str | None = None) -> health.Report:
        """Examine an agent's gradients, units and updates, and charge it.

        Raises: UnknownName, StoreError.
        """
        record, agent = self._loaded(name)
        report = health.diagnose(agent)
        agent.charge(Energy(evaluation=report.n_flops))
        self._charge(record, agent, "diagnose")
        return report

    def _charge(self, record: AgentRecord, agent: Agent, command: str) -> None:
        with self._store.transaction():
            self._store.charge(record.id, spent_since(record.energy, agent.energy), command=command)
