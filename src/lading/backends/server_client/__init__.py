"""A Lading server elsewhere, over its REST door: questions, jobs and how they go on, archives in and out."""
