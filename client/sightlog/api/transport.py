from sightlog import transport


class Transport(transport.Transport):
    pass
