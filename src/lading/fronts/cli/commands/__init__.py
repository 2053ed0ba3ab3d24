"""One file for each group of commands; the table in `program` says where each lives."""
