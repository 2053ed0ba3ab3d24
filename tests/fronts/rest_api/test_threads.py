"""However many wait for a host that does not answer, everybody else is answered."""

from __future__ import annotations

import socket
import threading

from lading.fronts.rest_api.threads import HOST_ROOM, REQUEST_THREADS
from tests.fronts.rest_api.caller import Answer, House, until


def test_a_host_that_does_not_answer_holds_up_those_who_ask_it_alone(house: House) -> None:
    answers: list[Answer] = []
    asked: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as silent:
        form = {"name": "silent", "connectionType": "direct", "host": "127.0.0.1", "port": silent.getsockname()[1]}
        environment = house.admin.post("/api/environments", form).json["id"]
        try:
            waiting = [
                threading.Thread(target=lambda: answers.append(house.admin.get(f"/api/images?env={environment}")))
                for _ in range(REQUEST_THREADS + HOST_ROOM)
            ]
            for each in waiting:
                each.start()
            silent.settimeout(20)
            asked.append(silent.accept()[0])
            silent.settimeout(0.05)
            until(lambda: not _accepted(silent, asked), "nobody more asks the host")

            assert 1 <= len(asked) <= HOST_ROOM
            assert house.admin.get("/api/registries").status == 200
            assert house.nobody.get("/readyz").status == 200
            assert answers == []
        finally:
            silent.close()
            for connection in asked:
                connection.close()
            for thread in waiting:
                thread.join()
    assert {answer.status for answer in answers} <= {500, 502, 503, 504}


def _accepted(silent: socket.socket, asked: list[socket.socket]) -> bool:
    try:
        asked.append(silent.accept()[0])
    except TimeoutError:
        return False
    return True
