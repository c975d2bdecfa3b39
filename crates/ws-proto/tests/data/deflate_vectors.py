#!/usr/bin/env python3
"""Writes deflate_vectors.txt, the input for the tests of the codec.

The messages are compressed by zlib according to RFC 7692 §7.2.1. Each line is one connection with
context takeover. It has the name of the connection, the payloads as recipe:length:seed, and the
compressed messages in hexadecimal. The tests implement the same recipes.
"""

import pathlib
import zlib

TAIL = b"\x00\x00\xff\xff"
WORDS = [b"alpha ", b"beta ", b"gamma ", b'{"id":', b'"value":', b"12345", b"},", "κόσμε ".encode(), b"\n", b"zz"]


def numbers(seed):
    while True:
        seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
        yield seed >> 24


def payload(recipe, length, seed):
    stream = numbers(seed)
    if recipe == "zeros":
        return bytes(length)
    if recipe == "noise":
        return bytes(next(stream) for _ in range(length))
    assert recipe == "words"
    text = b""
    while len(text) < length:
        text += WORDS[next(stream) % len(WORDS)]
    return text[:length]


def end(data):
    assert data.endswith(TAIL)
    return data[: -len(TAIL)] or b"\x00"


def synced(level, window, memory, strategy, payloads, full=False, pieces=1):
    """Every message ends with a flush. Several `pieces` flush inside a message, too."""
    codec = zlib.compressobj(level, zlib.DEFLATED, -window, memory, strategy)
    flush = zlib.Z_FULL_FLUSH if full else zlib.Z_SYNC_FLUSH
    for data in payloads:
        step = max(1, -(-len(data) // pieces))
        wire = b""
        for at in range(0, len(data), step):
            wire += codec.compress(data[at : at + step]) + codec.flush(flush)
        # The second of two flushes in a row has no output, so an empty message is the byte 00.
        yield end(wire) if wire else b"\x00"


def finished(level, window, memory, strategy, payloads, pieces=1):
    """Every piece ends with BFINAL (RFC 7692 §7.2.3.4), and may refer to all earlier bytes."""
    seen = b""
    for data in payloads:
        step = max(1, -(-len(data) // pieces))
        wire = b""
        for at in range(0, len(data), step):
            piece = data[at : at + step]
            codec = zlib.compressobj(level, zlib.DEFLATED, -window, memory, strategy, seen[-(1 << window) :])
            wire += codec.compress(piece) + codec.flush(zlib.Z_FINISH)
            seen += piece
        yield wire + b"\x00"


def mixed(level, window, memory, strategy, payloads):
    """Messages that end with a flush alternate with messages that end with BFINAL."""
    seen = b""
    for index, data in enumerate(payloads):
        codec = zlib.compressobj(level, zlib.DEFLATED, -window, memory, strategy, seen[-(1 << window) :])
        head = codec.compress(data[: len(data) // 2]) + codec.flush(zlib.Z_SYNC_FLUSH)
        rest = codec.compress(data[len(data) // 2 :])
        last = index % 2 == 1
        wire = head + rest + codec.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)
        seen += data
        yield wire + b"\x00" if last else end(wire)


DEFAULT = [("words", 700, 1), ("words", 90, 2), ("noise", 120, 3), ("zeros", 1500, 0), ("words", 700, 1), ("words", 0, 0), ("words", 40, 1)]
FAR = [("noise", 600, 7), ("words", 33000, 8), ("zeros", 40, 0), ("words", 5000, 8), ("words", 33000, 8)]


def vectors():
    for window in (9, 10, 12, 15):
        for level in (0, 1, 6, 9):
            yield f"w{window}-l{level}", DEFAULT, lambda p, w=window, l=level: synced(l, w, 8, zlib.Z_DEFAULT_STRATEGY, p)
    for name, strategy in (("fixed", zlib.Z_FIXED), ("huffman", zlib.Z_HUFFMAN_ONLY), ("rle", zlib.Z_RLE), ("filtered", zlib.Z_FILTERED)):
        yield name, DEFAULT, lambda p, s=strategy: synced(6, 15, 8, s, p)
    for memory in (1, 9):
        yield f"m{memory}", DEFAULT, lambda p, m=memory: synced(6, 15, m, zlib.Z_DEFAULT_STRATEGY, p)
    yield "full", DEFAULT, lambda p: synced(6, 15, 8, zlib.Z_DEFAULT_STRATEGY, p, full=True)
    yield "flushes", DEFAULT, lambda p: synced(6, 15, 8, zlib.Z_DEFAULT_STRATEGY, p, pieces=13)
    yield "full-flushes", DEFAULT, lambda p: synced(6, 15, 8, zlib.Z_DEFAULT_STRATEGY, p, full=True, pieces=5)
    yield "finish", DEFAULT, lambda p: finished(6, 15, 8, zlib.Z_DEFAULT_STRATEGY, p)
    yield "finish-stored", DEFAULT, lambda p: finished(0, 15, 8, zlib.Z_DEFAULT_STRATEGY, p)
    yield "finish-fixed", DEFAULT, lambda p: finished(6, 9, 8, zlib.Z_FIXED, p)
    yield "finish-pieces", DEFAULT, lambda p: finished(9, 12, 8, zlib.Z_DEFAULT_STRATEGY, p, pieces=4)
    yield "mixed", DEFAULT, lambda p: mixed(6, 15, 8, zlib.Z_DEFAULT_STRATEGY, p)
    yield "far", FAR, lambda p: synced(9, 15, 9, zlib.Z_DEFAULT_STRATEGY, p)
    yield "far-finish", FAR, lambda p: finished(9, 15, 9, zlib.Z_DEFAULT_STRATEGY, p)
    yield "far-mixed", FAR, lambda p: mixed(9, 15, 9, zlib.Z_DEFAULT_STRATEGY, p)


def main():
    lines = []
    for name, recipes, compress in vectors():
        wires = list(compress([payload(*recipe) for recipe in recipes]))
        assert len(wires) == len(recipes)
        shown = ",".join(":".join(map(str, recipe)) for recipe in recipes)
        lines.append(f"{name} {shown} {','.join(wire.hex() for wire in wires)}\n")
    pathlib.Path(__file__).with_suffix(".txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
