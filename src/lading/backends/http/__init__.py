"""The door to the network: TCP, TLS and proxies; the only room that speaks HTTP as a client.

    transport     one exchange, from Request to Response
    pool          connections kept for the next exchange
    ├── target        what a URL asks of whom
    ├── proxies       which way there: directly, or through which proxy
    ├── addresses     names to addresses, and which of them we refuse to go to
    ├── dial          addresses to a connected socket
    └── tls           what protects it, and why it could not
    channel       one connected socket that never blocks longer than it may
    sending       a request's head and body
    receiving     an answer's head and body
    websocket     a connection that stays: messages in both directions
    └── websocket_dial  how it is made

The standard library parses answers and encrypts; what is ours is everything a transfer needs and a client library
hides: silence limits in both directions, the kernel sending files, answers that come before the body is sent,
cancellation that wakes a blocked thread, and connecting to the very address that was checked.
"""
