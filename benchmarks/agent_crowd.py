"""Many stock agents in one process, each beside a played Docker engine: the crowd of `benchmarks.agents`.

It is told by JSON lines on standard input, and answers each with one: first who they are (answered when all are in),
then as often as wanted `{}` (answered with how long their pings were unanswered since the last time). It ends with its
input.
"""

from __future__ import annotations

import json
import sys
from itertools import chain

from tests.fakes.pushing_engine import PushingEngine
from tests.fakes.stock_agent import Habits, StockAgent
from tests.fakes.stock_playing import playing


def main() -> int:
    """Until its input ends."""
    told = json.loads(sys.stdin.readline())
    habits = Habits(heartbeat=told["heartbeat"], reconnect=0.5, longest_reconnect=5.0)
    agents = [
        StockAgent(
            told["url"],
            token,
            PushingEngine(told["ticks"], told["pause"]),
            name=f"agent-{number}",
            habits=habits,
        )
        for number, token in enumerate(told["tokens"])
    ]
    with playing(*agents):
        for agent in agents:
            agent.connected.wait()
        _answer({"logins": sum(agent.logins for agent in agents)})
        for _ in sys.stdin:
            waits = sorted(chain.from_iterable(agent.waits for agent in agents))
            for agent in agents:
                agent.waits = []
            _answer({"waits": waits, "logins": sum(agent.logins for agent in agents)})
        complaints = [text for agent in agents for text in agent.complaints]
    return 1 if complaints else 0


def _answer(value: dict[str, object]) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    sys.exit(main())
