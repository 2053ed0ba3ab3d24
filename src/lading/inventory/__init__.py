"""What is inside an image: evidence becomes packages, packages meet advisories. Bytes in, values out; pure."""
