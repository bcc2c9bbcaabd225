"""Makes the JPEG-LS streams of the decoder's tests with pyjpegls (CharLS).

    pip install numpy pyjpegls
    python jpeg_ls.py streams.rs      the tiny streams of the unit tests, as Rust constants;
                                           rustfmt lays them out
    python jpeg_ls.py --large FOLDER  NAME.jls and NAME.raw (u16, little-endian, by pixel)

Images are made from a fixed seed. What a stream must decode to is CharLS's own answer, which is
checked to be within the allowed error of the image.
"""

import sys
from pathlib import Path

import jpeg_ls
import numpy as np

BY_PLANE, BY_LINE, BY_PIXEL = 0, 1, 2
SEED = np.random.default_rng(87)


def picture(height, width, components, bits, noise):
    """Waves with noise, and a flat corner for the run mode."""
    y, x = np.mgrid[0:height, 0:width]
    top = (1 << bits) - 1
    planes = []
    for component in range(components):
        waves = np.sin(x / 5 + component) * np.cos(y / 7) * 0.45 + 0.5
        plane = waves * top + SEED.normal(0, noise, (height, width)) * top
        plane[: height // 2, : width // 2] = top // 3
        planes.append(plane)
    return np.clip(np.stack(planes, -1), 0, top).astype(np.uint8 if bits <= 8 else np.uint16)


def encode(image, bits, near, interleave):
    height, width, components = image.shape
    # CharLS takes and gives pixels even where it codes line by line.
    ordered = image.transpose(2, 0, 1) if interleave == BY_PLANE else image
    raw = np.ascontiguousarray(ordered).tobytes()
    return bytes(jpeg_ls.encode_buffer(raw, height, width, components, bits, near, interleave))


def decode(stream, interleave, shape):
    """The samples by pixel."""
    height, width, components = shape
    raw, head = jpeg_ls.decode_buffer(stream)
    values = np.frombuffer(raw, np.uint16 if head["bits_per_sample"] > 8 else np.uint8)
    if interleave == BY_PLANE:
        return values.reshape(components, height, width).transpose(1, 2, 0)
    return values.reshape(height, width, components)


def golden(image, bits, near, interleave):
    stream = encode(image, bits, near, interleave)
    values = decode(stream, interleave, image.shape).astype(int)
    assert abs(values - image).max() <= near, "CharLS changed more than it may"
    return stream, values


def with_restarts(image, bits, lines):
    """Joins strips coded alone, which is what restart intervals are."""
    head, data = None, b""
    for number, top in enumerate(range(0, image.shape[0], lines)):
        strip = encode(image[top : top + lines], bits, 0, BY_PIXEL)
        start = strip.index(b"\xff\xda")
        body = start + 2 + int.from_bytes(strip[start + 2 : start + 4])
        if head is None:
            interval = b"\xff\xdd\x00\x04" + lines.to_bytes(2)
            head = bytearray(strip[:start] + interval + strip[start:body])
            size = head.index(b"\xff\xf7") + 5
            head[size : size + 2] = image.shape[0].to_bytes(2)
        else:
            data += bytes([0xFF, 0xD0 + (number - 1) % 8])
        data += strip[body:-2]
    return bytes(head) + data + b"\xff\xd9", image


def constant(name, stream, values):
    def rows(items):
        lines = [", ".join(map(str, items[at : at + 16])) for at in range(0, len(items), 16)]
        return "".join(f"    {line},\n" for line in lines)

    flat = values.ravel().tolist()
    return (
        f"pub(super) const {name}: &[u8] = &[\n{rows(list(stream))}];\n"
        f"pub(super) const {name}_VALUES: &[u16] = &[\n{rows(flat)}];\n"
    )


def small():
    grey = lambda bits: picture(6, 8, 1, bits, 0.05)
    colour = picture(6, 8, 3, 8, 0.05)
    yield "GREY_8", golden(grey(8), 8, 0, BY_PLANE)
    yield "GREY_12", golden(grey(12), 12, 0, BY_PLANE)
    yield "GREY_16", golden(grey(16), 16, 0, BY_PLANE)
    yield "GREY_8_NEAR_3", golden(grey(8), 8, 3, BY_PLANE)
    yield "COLOUR_BY_PLANE", golden(colour, 8, 0, BY_PLANE)
    yield "COLOUR_BY_LINE", golden(colour, 8, 0, BY_LINE)
    yield "COLOUR_BY_PIXEL", golden(colour, 8, 0, BY_PIXEL)
    # pyjpegls gives up on images much smaller than their headers, so these strips are wider.
    yield "RESTARTS", with_restarts(picture(6, 40, 1, 8, 0), 8, 2)


def large():
    for bits in (2, 3, 5, 7, 8, 10, 12, 14, 16):
        for near in (0, 1, 2, 3, 5):
            if near > ((1 << bits) - 1) // 2:
                continue
            for noise in (0, 0.005, 0.3):
                image = picture(131, 117, 1, bits, noise)
                yield f"grey-{bits}-{near}-{noise}", golden(image, bits, near, BY_PLANE)
    for components in (2, 3, 4):
        for bits in (8, 12, 16):
            for near in (0, 2):
                for interleave in (BY_PLANE, BY_LINE, BY_PIXEL):
                    if components == 2 and interleave != BY_PLANE:
                        continue
                    image = picture(61, 57, components, bits, 0.01)
                    name = f"colour-{components}-{bits}-{near}-{interleave}"
                    yield name, golden(image, bits, near, interleave)
    for width, height in ((1, 90), (90, 1), (2, 40), (70, 300)):
        yield f"size-{width}x{height}", golden(picture(height, width, 1, 12, 0.01), 12, 0, BY_PLANE)
    for lines in (1, 5, 64):
        yield f"restarts-grey-{lines}", with_restarts(picture(64, 64, 1, 16, 0.01), 16, lines)
        yield f"restarts-colour-{lines}", with_restarts(picture(64, 64, 3, 8, 0.01), 8, lines)
    for noise in (0, 0.001, 0.01, 0.2):
        yield f"speed-{noise}", golden(picture(512, 512, 1, 16, noise), 16, 0, BY_PLANE)
        yield f"speed-colour-{noise}", golden(picture(512, 512, 3, 8, noise), 8, 0, BY_PIXEL)


def main():
    if sys.argv[1] == "--large":
        folder = Path(sys.argv[2])
        for name, (stream, values) in large():
            (folder / f"{name}.jls").write_bytes(stream)
            (folder / f"{name}.raw").write_bytes(values.astype("<u2").tobytes())
    else:
        text = "//! Made by jpeg_ls.py.\n\n"
        text += "\n".join(constant(name, *made) for name, made in small())
        Path(sys.argv[1]).write_text(text)


main()
