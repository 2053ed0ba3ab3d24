"""What shows that content is genuine: keys, signed payloads and their envelopes.

Pure: time and randomness are arguments.
"""
