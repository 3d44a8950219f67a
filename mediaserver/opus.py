"""A show's mix in Opus, for those who watch it: encoded once for any number of listeners."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from mediaserver.audio_buffer import CHANNELS, SAMPLE_RATE, Samples
from mediaserver.encoder import AAC_FRAME_SAMPLES
from mediaserver.mixer import AudioBus
from mediaserver.packet import OPUS_LOOKAHEAD_SAMPLES, FeedId

log = logging.getLogger(__name__)

FRAME_SAMPLES = 960
BITRATE_BPS = 96_000
MAX_WAITING = 16
"""Blocks, a third of a second; an encoder that is further behind loses what comes."""


@dataclass(frozen=True, slots=True)
class OpusPacket:
    """20 ms of sound; `position` is that of its first sample on the show's clock, at 48 kHz."""

    position: int
    payload: bytes


Listener = Callable[[OpusPacket], None]


class OpusEncoder:
    """Blocks of the mix in by their number, packets out. A block left out leaves a gap."""

    def __init__(self) -> None:
        context = av.CodecContext.create("libopus", "w")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate = SAMPLE_RATE
        context.layout = "stereo"
        context.format = "flt"
        context.bit_rate = BITRATE_BPS
        context.time_base = Fraction(1, SAMPLE_RATE)
        context.options = {"application": "audio", "frame_duration": "20"}
        context.open()
        self._context = context
        self._pending: Samples = np.zeros((CHANNELS, 0), np.float32)
        self._position = 0
        self._encoded = 0

    def encode(self, index: int, block: Samples) -> list[OpusPacket]:
        """Block `index`: (2, 1024) float32. The rest that fills no packet waits for the next."""
        start = index * AAC_FRAME_SAMPLES
        if self._position + self._pending.shape[1] != start:
            self._position = start
            self._pending = block
        else:
            self._pending = np.concatenate((self._pending, block), axis=1)
        packets = []
        while self._pending.shape[1] >= FRAME_SAMPLES:
            payload = self._payload(self._pending[:, :FRAME_SAMPLES])
            packets.append(OpusPacket(self._position - OPUS_LOOKAHEAD_SAMPLES, payload))
            self._pending = self._pending[:, FRAME_SAMPLES:]
            self._position += FRAME_SAMPLES
        return packets

    def _payload(self, samples: Samples) -> bytes:
        interleaved = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, "flt", "stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._encoded * FRAME_SAMPLES
        self._encoded += 1
        [packet] = self._context.encode(frame)
        return bytes(packet)


class OpusStream:
    """The mix of `audio`, perhaps without one feed's voice, encoded on a thread while it lasts.

    Event loop only; `listeners` are called there for each packet.
    """

    def __init__(self, audio: AudioBus, without: FeedId | None) -> None:
        self.listeners: list[Listener] = []
        self.blocks_dropped = 0
        self._audio = audio
        self._blocks: queue.SimpleQueue[tuple[int, Samples] | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="opus", daemon=True)
        self._thread.start()
        audio.listen_in(self.heard, without)

    def stop(self) -> None:
        """Encode no more; the thread ends by itself."""
        self._audio.stop_listening(self.heard)
        self._blocks.put(None)

    def heard(self, index: int, block: Samples) -> None:
        """Take a block of the mix; called on the thread that mixes."""
        if self._blocks.qsize() < MAX_WAITING:
            self._blocks.put((index, block))
        else:
            self.blocks_dropped += 1

    def _run(self) -> None:
        encoder = OpusEncoder()
        while (heard := self._blocks.get()) is not None:
            packets = encoder.encode(*heard)
            with suppress(RuntimeError):  # the loop has ended in the meantime
                self._loop.call_soon_threadsafe(self._publish, packets)

    def _publish(self, packets: list[OpusPacket]) -> None:
        for packet in packets:
            for listener in tuple(self.listeners):
                listener(packet)


class OpusStreams:
    """One encode for each mix that somebody listens to. Event loop only."""

    def __init__(self) -> None:
        self._streams: dict[tuple[AudioBus, FeedId | None], OpusStream] = {}

    def __len__(self) -> int:
        return len(self._streams)

    def listen(self, audio: AudioBus, without: FeedId | None, listener: Listener) -> None:
        key = audio, without
        if key not in self._streams:
            self._streams[key] = OpusStream(audio, without)
        self._streams[key].listeners.append(listener)

    def leave(self, audio: AudioBus, without: FeedId | None, listener: Listener) -> None:
        """The last one to leave ends the encode."""
        key = audio, without
        stream = self._streams[key]
        stream.listeners.remove(listener)
        if not stream.listeners:
            self._streams.pop(key).stop()
