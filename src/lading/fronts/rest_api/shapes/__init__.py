"""What the API answers, by noun: for its description, from which clients generate their types. Nothing here runs when a
request is answered; the tests hold every answer they see against it."""
