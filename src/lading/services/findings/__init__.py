"""What scanners look at and what they find: values, protocols, rows."""
