"""What the product does, one noun a file: no request objects, no status codes, no SQL text."""
