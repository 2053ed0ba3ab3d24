"""The embedded registry: names, tags, uploads, rules, and who may change them."""
