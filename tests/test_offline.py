"""Nothing is fetched by importing: no module asks a hub, or any other host, for a model or for data."""

import subprocess
import sys

IMPORTS = """
import importlib, pkgutil, socket

def refuse(*arguments, **keywords):
    raise AssertionError(f"a connection was asked for: {arguments[1:]}")

socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
import lossbars
found = pkgutil.walk_packages(lossbars.__path__, "lossbars.")
names = [module.name for module in found if "__main__" not in module.name]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_no_import_asks_for_a_connection() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 200
