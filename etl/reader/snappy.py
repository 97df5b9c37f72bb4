"""Raw snappy blocks in plain Python, as Avro's codec holds them: the data, then its CRC-32.

https://github.com/google/snappy/blob/main/format_description.txt and the Avro 1.11 specification.
"""

import zlib


class SnappyError(ValueError):
    """The block is damaged or unpacks to more than it may."""


def unpack(block: bytes, limit: int) -> bytes:
    """The data of an Avro block of codec snappy, of at most `limit` bytes, its checksum verified."""
    packed, checksum = block[:-4], int.from_bytes(block[-4:], "big")
    try:
        data = _unpack(packed, limit)
    except IndexError as error:
        raise SnappyError("a snappy block ends early") from error
    if zlib.crc32(data) != checksum:
        raise SnappyError("a snappy block does not have its checksum")
    return data


def _unpack(packed: bytes, limit: int) -> bytes:
    size, at = _size(packed)
    if size > limit:
        raise SnappyError(f"a snappy block of {size} bytes")
    out = bytearray()
    while at < len(packed):
        tag = packed[at]
        kind, length = tag & 3, (tag >> 2) + 1
        at += 1
        if kind == 0:
            at, length = _literal_length(packed, at, length)
            if at + length > len(packed):
                raise SnappyError("a snappy block ends early")
            out += packed[at : at + length]
            at += length
            continue
        if kind == 1:
            length, offset = ((tag >> 2) & 7) + 4, ((tag >> 5) << 8) | packed[at]
            at += 1
        else:
            width = 2 if kind == 2 else 4
            offset = int.from_bytes(packed[at : at + width], "little")
            at += width
        _copy(out, offset, length)
        if len(out) > size:
            break
    if len(out) != size:
        raise SnappyError("a snappy block does not have its size")
    return bytes(out)


def _size(packed: bytes) -> tuple[int, int]:
    """The length of the data, a number of up to 5 bytes, and where the first element begins."""
    size = 0
    for at in range(5):
        size |= (packed[at] & 0x7F) << (7 * at)
        if packed[at] < 0x80:
            return size, at + 1
    raise SnappyError("a snappy block begins with no length")


def _literal_length(packed: bytes, at: int, length: int) -> tuple[int, int]:
    if length <= 60:
        return at, length
    width = length - 60
    return at + width, int.from_bytes(packed[at : at + width], "little") + 1


def _copy(out: bytearray, offset: int, length: int) -> None:
    """Append what began `offset` bytes ago; where that is less than the length, it repeats."""
    start = len(out) - offset
    if offset == 0 or start < 0:
        raise SnappyError("a snappy block copies from before its begin")
    piece = bytes(out[start : start + length])
    out += (piece * (length // len(piece) + 1))[:length]
