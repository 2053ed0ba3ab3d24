"""Dockerfile lines that change an image's settings."""

from __future__ import annotations

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.config_changes import INSTRUCTIONS, ChangeInvalid, changed
from lading.oci.document import write_json


@pytest.mark.parametrize(
    ("lines", "settings"),
    [
        (['CMD ["nginx", "-g", "daemon off;"]'], {"Cmd": ["nginx", "-g", "daemon off;"]}),
        (["CMD nginx -g 'daemon off;'"], {"Cmd": ["/bin/sh", "-c", "nginx -g 'daemon off;'"]}),
        (["cmd []"], {"Cmd": []}),
        (["CMD"], {"Cmd": []}),
        (["CMD [unquoted]"], {"Cmd": ["/bin/sh", "-c", "[unquoted]"]}),
        (['ENTRYPOINT ["/x"]'], {"Entrypoint": ["/x"]}),
        (["  Entrypoint   /x y "], {"Entrypoint": ["/bin/sh", "-c", "/x y"]}),
        (["CMD a", 'ENTRYPOINT ["/x"]'], {"Cmd": ["/bin/sh", "-c", "a"], "Entrypoint": ["/x"]}),
        (["ENV A=1"], {"Env": ["A=1"]}),
        (["ENV A=1 B=\"two words\" C='$x' D=a\\ b E="], {"Env": ["A=1", "B=two words", "C=$x", "D=a b", "E="]}),
        (["ENV A the  rest = of it"], {"Env": ["A=the  rest = of it"]}),
        (['ENV A "the rest"'], {"Env": ["A=the rest"]}),
        (["ENV A=1 B=1", "ENV A=2"], {"Env": ["A=2", "B=1"]}),
        (['ENV A="x\\"y\\n"'], {"Env": ['A=x"y\\n']}),
        (
            ["EXPOSE 80 53/UDP 8000-8002/tcp"],
            {"ExposedPorts": {"80/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {}, "8002/tcp": {}}},
        ),
        (["LABEL a=1 b.c='x y'", "LABEL a=2"], {"Labels": {"a": "2", "b.c": "x y"}}),
        (["ONBUILD RUN make", "ONBUILD COPY . /"], {"OnBuild": ["RUN make", "COPY . /"]}),
        (["STOPSIGNAL SIGRTMIN+3"], {"StopSignal": "SIGRTMIN+3"}),
        (["USER me:you"], {"User": "me:you"}),
        (['VOLUME ["/a b", "/c"]', "VOLUME /d"], {"Volumes": {"/a b": {}, "/c": {}, "/d": {}}}),
        (["WORKDIR /srv"], {"WorkingDir": "/srv"}),
        (["WORKDIR srv", "WORKDIR ../a//b/."], {"WorkingDir": "/a/b"}),
        ([], {}),
    ],
)
def test_a_line_changes_what_it_speaks_of(lines: list[str], settings: dict[str, object]) -> None:
    assert changed(lines) == settings


def test_what_no_line_speaks_of_stays() -> None:
    before = {"User": "me", "Cmd": ["a"], "Env": ["A=1"], "Labels": {"a": "1"}, "X": [1]}
    assert changed(["ENV B=2", "LABEL b=2"], before) == {
        "User": "me",
        "Cmd": ["a"],
        "Env": ["A=1", "B=2"],
        "Labels": {"a": "1", "b": "2"},
        "X": [1],
    }
    assert before["Env"] == ["A=1"]


def test_a_new_entrypoint_has_no_use_for_the_command_before_it() -> None:
    assert changed(["ENTRYPOINT /x"], {"Cmd": ["a"]}) == {"Entrypoint": ["/bin/sh", "-c", "/x"]}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "RUN make",
        "FROM scratch",
        "COPY a b",
        "HEALTHCHECK NONE",
        "# CMD a",
        "ENV",
        "ENV A",
        "ENV =1",
        "ENV A=1 B",
        'ENV A="1',
        "LABEL a='1",
        "EXPOSE 0",
        "EXPOSE 1-65535",
        "EXPOSE 70000",
        "EXPOSE 90-80",
        "EXPOSE http",
        "EXPOSE 80/icmp",
        "USER a b",
        "USER ''",
        "STOPSIGNAL a b",
        "STOPSIGNAL $X",
        "VOLUME []",
        'VOLUME [""]',
        "ONBUILD",
        "ONBUILD ONBUILD RUN x",
        "ONBUILD FROM x",
        "CMD a\nRUN b",
        "USER a\0b",
        "WORKDIR",
        'CMD ["\\ud800"]',
        "USER \ud800",
    ],
)
def test_what_is_not_allowed_is_one_clear_error(line: str) -> None:
    with pytest.raises(ChangeInvalid) as refused:
        changed(["USER me", line])
    assert refused.value.line == line
    assert all(name in (refused.value.hint or "") for name in INSTRUCTIONS)


_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs")) | st.sampled_from(" \t"), max_size=20)


@given(st.lists(_TEXT, max_size=4))
def test_the_json_form_is_taken_word_for_word(words: list[str]) -> None:
    assert changed([f"ENTRYPOINT {json.dumps(words)}"]) == {"Entrypoint": words}


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,8}", fullmatch=True), _TEXT, min_size=1, max_size=4))
def test_what_a_shell_quotes_is_what_is_set(values: dict[str, str]) -> None:
    line = " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items())
    assert changed([f"ENV {line}"]) == {"Env": [f"{name}={value}" for name, value in values.items()]}
    assert changed([f"LABEL {line}"]) == {"Labels": values}


@given(st.sampled_from(sorted(INSTRUCTIONS)), st.text(max_size=40))
def test_any_line_changes_something_or_is_refused(name: str, rest: str) -> None:
    try:
        settings = changed([f"{name} {rest}"])
    except ChangeInvalid:
        return
    assert len(settings) == 1
    write_json(settings)
