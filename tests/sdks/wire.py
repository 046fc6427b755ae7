"""What each client sends to its provider is the same through the proxy, to the byte: heads in order and spelling, length, body,
and the pieces of one that comes in chunks. Different are only the `Host` and what belongs to one connection, and `Helicone-*`
is taken out.

wire.py PROXY COMMAND...: starts the proxy for a server that keeps what comes, then runs each line of standard input, a name
and the command of a client that calls $BASE, against the server and against the proxy.
"""

import os
import re
import socketserver
import subprocess
import sys
import threading

ANSWERS = {
    "/v1/chat/completions": b'{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[]}',
    "/v1/messages": b'{"id":"1","type":"message","role":"assistant","model":"m","content":[],"usage":{}}',
    "generateContent": b'{"candidates":[]}',
}
DIFFERENT = ("host:", "connection:", "keep-alive:", "transfer-encoding:", "helicone-")
seen = []


class Capture(socketserver.StreamRequestHandler):
    def handle(self):
        while head := self.head():
            lengths = [line for line in head if line.lower().startswith("content-length:")]
            if lengths:
                body = self.rfile.read(int(lengths[0].split(":")[1])).decode()
            elif any(line.lower().startswith("transfer-encoding:") for line in head):
                body = self.chunks()
            else:
                body = ""
            seen.append((head, body))
            answer = next((ANSWERS[path] for path in ANSWERS if path in head[0]), b"{}")
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
            self.wfile.write(b"content-length: %d\r\n\r\n%s" % (len(answer), answer))

    def head(self):
        lines = []
        while (line := self.rfile.readline().decode("latin-1")) not in ("\r\n", ""):
            lines.append(line.rstrip("\r\n"))
        return lines

    def chunks(self):
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size).decode())
            self.rfile.readline()
        self.rfile.readline()
        return pieces


def sends(command, base):
    seen.clear()
    subprocess.run(command, shell=True, check=True, env={**os.environ, "BASE": base}, stdout=subprocess.DEVNULL)
    assert len(seen) == 1, seen
    head, body = seen[0]
    return [head[0], *(line for line in head[1:] if not line.lower().startswith(DIFFERENT))], body


server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Capture)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
direct = f"http://127.0.0.1:{server.server_address[1]}"

proxy = subprocess.Popen([*sys.argv[1:], "--upstream", direct], stdout=subprocess.PIPE, text=True)
try:
    through = re.search(r" on (http://\S+)", proxy.stdout.readline()).group(1)
    clients = [line.strip().split(" ", 1) for line in sys.stdin]
    for name, command in clients:
        bare, proxied = sends(command, direct), sends(command, through)
        assert bare == proxied, f"{name} sends\n{bare}\nand through the proxy\n{proxied}"
    print(f"sdks: {len(clients)} clients send the same bytes through the proxy: {' '.join(name for name, _ in clients)}")
finally:
    proxy.terminate()
    assert proxy.wait() == 0
