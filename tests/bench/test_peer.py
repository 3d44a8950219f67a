"""The peer gets what facts ask for: FFmpeg's options, and the feeds described."""

import asyncio
from pathlib import Path

import av

from bench import ffmpeg
from bench.j1 import free_rtp_port
from bench.rtp import RtpPorts, sdp, send_feed
from mediaserver.demo.clip import Clip, encoded_pictures, encoded_sound, tone
from mediaserver.demo.publisher import clip_tracks
from tests.media import moving_frames

J1_OPTIONS = (
    "-filter_complex_threads 1 -protocol_whitelist file,udp,rtp -thread_queue_size 1024 -threads 1 "
    "-fflags nobuffer -flags low_delay -i feeds.sdp -filter_complex "
    "[0:v:0]fps=30,scale=640:360:flags=bilinear[v0];[0:v:1]fps=30,scale=640:360:flags=bilinear[v1];"
    "[v0][v1]hstack,pad=1280:720:0:180:black[v];[0:a:0]aresample=48000:async=1[a0];"
    "[0:a:1]aresample=48000:async=1[a1];[a0][a1]amix=inputs=2:normalize=0[m] -map [v] -map [m] "
    "-c:v libx264 -preset veryfast -tune zerolatency -b:v 3000k -maxrate 3000k -bufsize 3000k "
    "-g 60 -keyint_min 60 -sc_threshold 0 -threads:v 1 -c:a aac -b:a 128k -f tee -use_fifo 1"
)


def test_command_is_job_j1_to_the_letter() -> None:
    command = ffmpeg.command(Path("feeds.sdp"), ["rtmp://one/live/a", "rtmp://one/live/b"])
    text = " ".join(command)
    assert J1_OPTIONS in text
    assert command[-1] == "[f=flv]rtmp://one/live/a|[f=flv]rtmp://one/live/b"


def test_description_has_a_picture_and_a_sound_for_each_feed() -> None:
    ports = [RtpPorts(free_rtp_port(), free_rtp_port()) for _ in range(2)]
    media = [line for line in sdp(ports).splitlines() if line.startswith("m=")]
    assert media == [
        line
        for feed in ports
        for line in (f"m=video {feed.video} RTP/AVP 96", f"m=audio {feed.audio} RTP/AVP 97")
    ]


def test_free_rtp_ports_are_even() -> None:
    assert free_rtp_port() % 2 == 0


def decoded(description: Path) -> set[str]:
    """Read until both streams gave something that decodes; the codecs that did."""
    codecs: set[str] = set()
    options = {"protocol_whitelist": "file,udp,rtp"}
    with av.open(description, options=options, timeout=10) as container:
        for packet in container.demux():
            codecs |= {packet.stream.codec_context.name for _ in packet.decode()}
            if len(codecs) == 2:
                break
    return codecs


async def test_feed_sent_as_rtp_is_read_by_its_description(tmp_path: Path) -> None:
    ports = RtpPorts(free_rtp_port(), free_rtp_port())
    path = tmp_path / "feeds.sdp"
    path.write_text(sdp([ports]))
    clip = Clip(
        encoded_pictures(moving_frames(10, 64, 64), 30, 300_000, gop=10),
        30,
        encoded_sound(tone(440, 0.2)),
    )
    sending = asyncio.create_task(send_feed(clip_tracks(clip), ports))
    try:
        assert await asyncio.to_thread(decoded, path) == {"h264", "opus"}
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
