"""What the product does, one room a subject, one noun a file: no request objects, no status codes, no SQL text.

Files beside the rooms are words that several of them share.
"""
