"""Docker hosts: the engine API over a Transport, as an Environment.

environment.py    Environment: what is asked, what the answers mean
daemon.py         one daemon: the version agreed on, one question, one stream
answers.py        its JSON answers as values
parts.py          what an image consists of, as it says
inspecting.py     one image, and its config as far as it can be read back
questions.py      questions about one image: what is unknown, which platform is meant
archives.py       export, load, import
pushing.py        names before a push, what it proved, names after a failure
naming.py         the names that a push gave and may have to take back
faults.py         why a daemon could not be asked, and what it could not do
"""
