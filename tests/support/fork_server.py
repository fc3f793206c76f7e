"""A process that loads modules, and then forks for each Python that :mod:`support.fork_client` asks for.

    python fork_server.py SOCKET MODULE…

A fork has the command line, folder, environment, open files and signals of the process that asked. It loads
``lossbars`` itself, from the checkout that it runs. The server ends when its input is closed and all forks have ended.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
from typing import Any, NoReturn

START = 65536  # bytes of a request that are read at once


def main() -> None:
    """Load, listen, and fork for each request a process that serves it."""
    address, *modules = sys.argv[1:]
    for name in modules:
        importlib.import_module(name)
    assert not any(name.startswith("lossbars") for name in sys.modules)
    gc.collect()
    gc.freeze()  # else each fork goes through a million objects, and copies them, time and again
    serving: list[int] = []
    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as events:
        listening.bind(address)
        listening.listen()
        events.register(listening, selectors.EVENT_READ)
        events.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while not any(key.fileobj is sys.stdin for key, _ in events.select()):
            connection = listening.accept()[0]
            child = os.fork()
            if child == 0:
                listening.close()
                serve(connection)
            connection.close()
            serving = [number for number in [*serving, child] if os.waitpid(number, os.WNOHANG) == (0, 0)]
    for number in serving:
        os.waitpid(number, 0)


def serve(connection: socket.socket) -> NoReturn:
    """Run one Python in a fork, pass signals on to it, and answer with its status; end it if nobody waits for it."""
    files, request = receive(connection)
    child = os.fork()
    if child == 0:
        connection.close()
        run(files, *request)
    for file in files:
        os.close(file)
    ended = os.pidfd_open(child)
    with selectors.DefaultSelector() as events:
        events.register(connection, selectors.EVENT_READ)
        events.register(ended, selectors.EVENT_READ)
        while not any(key.fileobj == ended for key, _ in events.select()):
            os.kill(child, (connection.recv(1) or bytes([signal.SIGKILL]))[0])
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        connection.sendall(str(status).encode())
    os._exit(0)


def receive(connection: socket.socket) -> tuple[list[int], list[Any]]:
    """The open files, and a line of JSON."""
    data, files, *_ = socket.recv_fds(connection, START, 3)
    while not data.endswith(b"\n"):
        data += connection.recv(START)
    return files, json.loads(data)


def run(
    files: list[int], folder: str, arguments: list[str], environment: dict[str, str], ignored: list[int]
) -> NoReturn:
    """Be the Python of ``-m MODULE …`` or ``-c CODE …``, and end as it does, but without taking modules apart.

    That would take longer than most jobs compute.
    """
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    for number, usual in ((signal.SIGTERM, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
        signal.signal(number, signal.SIG_IGN if number in ignored else usual)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:1] = ["", *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    status: Any = 0
    try:
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = ["-c", *arguments[2:]]
            exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as stop:
        status = 0 if stop.code is None else stop.code
        if not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
