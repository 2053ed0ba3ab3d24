"""Jobs as values and rows: what is asked, who may, how it ended."""
