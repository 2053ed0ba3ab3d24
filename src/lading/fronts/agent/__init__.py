"""The program at the edge: it dials out to a server, and hands what the server asks to the engine beside it.

agent         logs in, and comes back after every loss
├── reconnecting  how long it waits before it tries again
serving       one connection from its welcome to its end: frames in, pings both ways
requests      what runs for the server, over as many connections as it takes
├── streams       one request and its answer where both ends speak LADING_STREAMS
│   └── arriving      its body
├── stock         the same in the protocol of the field
└── asking        its words to the engine
    └── allowed       what of the engine's API is handed on at all
engine        what it stands beside: Docker's socket, a TCP address, or our own Docker door
connection    what it wants of a WebSocket: `main` gives it one
"""
