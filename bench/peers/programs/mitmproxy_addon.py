# For mitmproxy: takes every connection to the provider on loopback and, with BENCH_STORE=1, keeps what it streams, so that `-w` writes bodies, too
# (mitmproxy itself stores nothing of a body that it streams).
import os

UPSTREAM = ("127.0.0.1", int(os.environ["BENCH_UPSTREAM_PORT"]))
STORES = os.environ.get("BENCH_STORE") == "1"


def server_connect(data):
    data.server.address = UPSTREAM


def collect(message, metadata, name):
    chunks = metadata.setdefault(name, [])

    def pass_on(chunk):
        chunks.append(chunk)
        return chunk

    message.stream = pass_on


def put_back(message, metadata, name):
    message.raw_content = b"".join(metadata.pop(name, []))


class Streams:
    def __init__(self):
        # Of each flow that is under way; flow.metadata would be written to the file.
        self.bodies = {}

    def requestheaders(self, flow):
        if STORES:
            collect(flow.request, self.bodies.setdefault(flow.id, {}), "request")
        else:
            flow.request.stream = True

    def responseheaders(self, flow):
        if STORES:
            collect(flow.response, self.bodies.setdefault(flow.id, {}), "response")
        else:
            flow.response.stream = True

    def request(self, flow):
        if STORES and flow.id in self.bodies:
            put_back(flow.request, self.bodies[flow.id], "request")

    def response(self, flow):
        if STORES and flow.id in self.bodies:
            put_back(flow.response, self.bodies.pop(flow.id), "response")

    def error(self, flow):
        self.bodies.pop(flow.id, None)


addons = [Streams()]
