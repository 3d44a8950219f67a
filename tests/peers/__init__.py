"""The other ends of RTMP connections: good ones and bad ones, each an asynchronous context."""
