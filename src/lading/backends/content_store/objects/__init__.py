"""Our own content in an S3-compatible object store, for any number of processes on any number of machines.

<prefix>/
├── blobs/<alg>/<hex>                   the truth: checked; appears whole or not at all, and never changes
├── referrers/<alg>/<hex>/<alg>-<hex>   empty: the second manifest's subject is the first
├── partial/<alg>/<hex>/<start>-<writer>   segments of a transfer that has not ended; <start> is 20 digits, in bytes
├── uploads/<id>/<start>-<writer>       segments of an upload session; which of them count, the note of its lock says
├── imports/<user>/<random>/…          archives that arrive by pieces (archives.py)
└── damaged/<alg>/<hex>                 what was found to be something else than its name says

What keeps processes from each other's way is in the database they share: named locks, and the gate (`turns`).
"""
