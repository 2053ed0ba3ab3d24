"""Agents at the edge: requests to Docker hosts that nobody can dial, over the sockets that their agents opened.

hub.py         LocalHub: which agent holds the line of which environment
transport.py   one request, and its answer as a stream
seat.py        one environment's agent: what was asked, while sessions come and go
session.py     one connection: frames in, signs of life
exchange.py    one request on its way: what plain.py, stock.py and ours.py have in common
answer.py      what comes back: brought by the event loop, awaited by a thread
awaited.py     the waiting itself
buffer.py      the bytes between the two, through a file where they are many
spill.py       the one thread that writes those files
timers.py      the one thread for what is due
failures.py    what can go wrong
elsewhere.py   agents whose line another process holds
"""
