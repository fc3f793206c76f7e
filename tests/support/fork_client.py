"""Have a Python run by :mod:`support.fork_server`: ``python -IS fork_client.py SOCKET -m MODULE …``, or ``-c CODE …``.

It passes signals on, and ends as the fork does. Without ``site``, it starts in a hundredth of a second.
"""

import json
import os
import signal
import socket
import sys

address, *arguments = sys.argv[1:]
numbers = [signal.SIGTERM, signal.SIGINT]
ignored = [number for number in numbers if signal.getsignal(number) == signal.SIG_IGN]
with socket.socket(socket.AF_UNIX) as server:
    server.connect(address)
    request = json.dumps([os.getcwd(), arguments, dict(os.environ), ignored]).encode() + b"\n"  # noqa: PTH109 (pathlib takes long to load)
    sent = socket.send_fds(server, [request[:1000]], [0, 1, 2])
    server.sendall(request[sent:])
    for number in numbers:
        signal.signal(number, lambda number, _: server.send(bytes([number])))
    status = int(server.recv(16) or 1)
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
