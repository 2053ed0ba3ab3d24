"""The Docker Engine API's door: docker's command line and its libraries drive an environment of ours, unchanged."""
