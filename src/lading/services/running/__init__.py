"""How jobs run: handed over, claimed, done, told, ended exactly once, taken up after a crash."""
