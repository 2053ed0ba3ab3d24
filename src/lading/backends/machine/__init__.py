"""This machine as `lading doctor` sees it: looks, and changes nothing."""
