"""Docker hosts: the engine API over a Transport, as an Environment.

environment.py    Environment: what is asked, what the answers mean
daemon.py         one daemon: the version agreed on, one question, one stream
answers.py        its JSON answers as values
parts.py          what an image consists of, as it says
inspecting.py     one image, and its config as far as it can be read back
questions.py      questions about one image: what is unknown, which platform is meant
archives.py       export, load, import
pushing.py        names before a push, what it proved, names after a failure
pulling.py        what is asked before a name is given, and what has come
breaks.py         transfers that break off: whether the host comes back, how often they are begun again
naming.py         the names that a push gave and may have to take back
following.py      what happens to its images, as it happens
standard_agent.py a proxy before a daemon: its token, its own refusals, its 30 seconds
faults.py         why a daemon could not be asked, and what it could not do
"""
