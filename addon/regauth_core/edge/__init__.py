"""Everything that touches the world: mitmproxy, files, sockets, processes, the clock and the terminal."""
