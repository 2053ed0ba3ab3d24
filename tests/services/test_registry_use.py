"""When registries were asked last."""

from __future__ import annotations

from lading.services.registries.use import MOST_HOSTS, RegistryUse


def test_the_last_time_counts() -> None:
    times = iter((1.0, 2.0, 3.0))
    use = RegistryUse(lambda: next(times))

    use.asked("a.example")
    use.asked("b.example:5000")
    use.asked("a.example")

    assert use.last("a.example") == 3.0
    assert use.last("b.example:5000") == 2.0
    assert use.last("c.example") is None


def test_only_so_many_are_remembered() -> None:
    use = RegistryUse(lambda: 1.0)
    for number in range(MOST_HOSTS + 1):
        use.asked(f"{number}.example")

    assert use.last("0.example") == 1.0
    assert use.last(f"{MOST_HOSTS}.example") is None
