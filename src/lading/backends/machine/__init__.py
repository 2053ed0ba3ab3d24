"""This machine: what `lading doctor` looks at, who supervises this process, and its own child processes.

looks         memory, disks, clocks, sockets; changes nothing. docker_host is Docker's part of it
readiness     what systemd is told of a start and a stop
children      several processes of one kind, begun again where they end; parent is what each of them hears
"""
