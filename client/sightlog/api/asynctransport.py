from sightlog import transport


class AsyncTransport(transport.AsyncTransport):
    pass
