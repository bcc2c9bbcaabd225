#!/usr/bin/env python3
"""Writes goldens.rs: tiny JPEG streams and what they decode to, for the tests of the decoder.

Usage: jpeg.py > src/imaging/codec/jpeg/goldens.rs && rustfmt src/imaging/codec/jpeg/goldens.rs
Needs nothing but Python. The encoder follows ITU-T T.81 and shares no code with the decoder.
"""
import math
import random



def diagonal(place):
    y, x = divmod(place, 8)
    return (x + y, y if (x + y) % 2 else x)


ZIGZAG = sorted(range(64), key=diagonal)
COSINE = [[math.cos((2 * x + 1) * u * math.pi / 16) / (8 ** 0.5 if u == 0 else 2)
           for x in range(8)] for u in range(8)]
STEPS = [3 + place for place in range(64)]  # of the quantisation


def segment(marker, body):
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + bytes(body)


def huffman(target, symbols):
    """A table whose codes get longer by one bit each, up to 16: every way of decoding is used."""
    lengths = [min(place + 2, 16) for place in range(len(symbols))]
    codes, code = {}, 0
    for place, (symbol, length) in enumerate(zip(symbols, lengths)):
        code <<= length - lengths[max(place - 1, 0)]
        codes[symbol] = format(code, f"0{length}b")
        code += 1
    counts = [lengths.count(length) for length in range(1, 17)]
    return segment(0xC4, [target, *counts, *symbols]), codes


def entropy(bits):
    """Bits to bytes: filled up with ones, a zero byte behind each 0xFF."""
    bits += "1" * (-len(bits) % 8)
    data = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
    return data.replace(b"\xff", b"\xff\0")


def value_bits(value):
    size = abs(value).bit_length()
    if size in (0, 16):  # 16 is the difference 32768, which has no bits
        return ""
    return format(value if value > 0 else value + (1 << size) - 1, f"0{size}b")


def frame(marker, precision, width, height, factors):
    body = [precision, *height.to_bytes(2, "big"), *width.to_bytes(2, "big"), len(factors)]
    for number, (across, down) in enumerate(factors):
        body += [number + 1, across << 4 | down, 0]
    return segment(marker, body)


def scan(lanes, tables, *rest):
    members = [part for lane in lanes for part in (lane + 1, tables)]
    return segment(0xDA, [len(lanes), *members, *rest])


def prediction(predictor, left, up, corner):
    return [None, left, up, corner, left + up - corner, left + ((up - corner) >> 1),
            up + ((left - corner) >> 1), (left + up) >> 1][predictor]


def lossless(planes, precision, predictor, restart_rows=0, point=0, scans=None):
    """`planes` are lists of rows; `scans` lists the components of each scan."""
    height, width = len(planes[0]), len(planes[0][0])
    planes = [[[sample >> point for sample in row] for row in rows] for rows in planes]
    middle = 1 << (precision - point - 1)
    table, codes = huffman(0, range(17))
    stream = b"\xff\xd8" + frame(0xC3, precision, width, height, [(1, 1)] * len(planes)) + table
    if restart_rows:
        stream += segment(0xDD, (restart_rows * width).to_bytes(2, "big"))
    for lanes in scans or [range(len(planes))]:
        stream += scan(lanes, 0, predictor, 0, point)
        bits = ""
        for y in range(height):
            is_first = y == 0 or (restart_rows and y % restart_rows == 0)
            if y and is_first:
                stream += entropy(bits) + bytes([0xFF, 0xD0 + (y // restart_rows - 1) % 8])
                bits = ""
            for x in range(width):
                for lane in lanes:
                    rows = planes[lane]
                    if x == 0:
                        predicted = middle if is_first else rows[y - 1][0]
                    else:
                        left, up, corner = rows[y][x - 1], rows[y - 1][x], rows[y - 1][x - 1]
                        predicted = prediction(1 if is_first else predictor, left, up, corner)
                    difference = (rows[y][x] - predicted) & 0xFFFF
                    difference -= 0x10000 if difference > 0x8000 else 0
                    bits += codes[abs(difference).bit_length()] + value_bits(difference)
        stream += entropy(bits)
    return stream + b"\xff\xd9"


def transformed(block, matrix):
    """matrix · block · transposed matrix, which is the transform or, transposed, its inverse."""
    half = [[sum(matrix[u][y] * block[y][x] for y in range(8)) for x in range(8)] for u in range(8)]
    return [[sum(half[u][x] * matrix[v][x] for x in range(8)) for v in range(8)] for u in range(8)]


def quantised(block, steps):
    """The coefficients as whole steps, and the samples that come back from them."""
    waves = transformed(block, COSINE)
    numbers = [round(waves[i // 8][i % 8] / step) for i, step in zip(ZIGZAG, steps)]
    for i, number, step in zip(ZIGZAG, numbers, steps):
        waves[i // 8][i % 8] = number * step
    samples = transformed(waves, list(zip(*COSINE)))
    for value in sum(samples, []):
        assert abs(value % 1 - 0.5) > 0.001, "a tie: both neighbours would be right"
    return numbers, [[round(value) for value in row] for row in samples]


def dct(pictures, factors, precision, width, height, scans, restart=10**9):
    """`pictures` are functions of x and y in samples of their own component.

    Returns the stream and its samples, interleaved by pixel."""
    across, down = (max(factor[axis] for factor in factors) for axis in (0, 1))
    middle, planes, intervals = 1 << (precision - 1), [{} for _ in factors], []
    for lanes in scans:
        # Alone, a component comes block by block without regard to the others.
        units = factors if len(lanes) > 1 else [(1, 1) for _ in factors]
        lane = lanes[0]
        unit_width = 8 * across // factors[lane][0] * units[lane][0]
        unit_height = 8 * down // factors[lane][1] * units[lane][1]
        places = [(x, y) for y in range(-(-height // unit_height))
                  for x in range(-(-width // unit_width))]
        for number, (unit_x, unit_y) in enumerate(places):
            if number % restart == 0:
                means = [0] * len(factors)
                intervals.append((lanes, number // restart, []))
            for lane in lanes:
                for place in range(units[lane][0] * units[lane][1]):
                    left = 8 * (unit_x * units[lane][0] + place % units[lane][0])
                    top = 8 * (unit_y * units[lane][1] + place // units[lane][0])
                    block = [[pictures[lane](left + x, top + y) - middle for x in range(8)]
                             for y in range(8)]
                    numbers, restored = quantised(block, STEPS)
                    change = numbers[0] - means[lane]
                    means[lane] = numbers[0]
                    mean = ("mean", abs(change).bit_length(), change)
                    intervals[-1][2].extend([mean] + runs(numbers))
                    for y, row in enumerate(restored):
                        for x, value in enumerate(row):
                            sample = min(max(value + middle, 0), 2 * middle - 1)
                            planes[lane][left + x, top + y] = sample
    stream = b"\xff\xd8" + segment(0xDB, [0, *STEPS])
    stream += frame(0xC1, precision, width, height, factors) + dct_scans(intervals)
    if restart < 10**9:
        stream = stream[:2] + segment(0xDD, restart.to_bytes(2, "big")) + stream[2:]
    values = [planes[lane][x * factor[0] // across, y * factor[1] // down]
              for y in range(height) for x in range(width) for lane, factor in enumerate(factors)]
    return stream + b"\xff\xd9", values


def dct_scans(intervals):
    """Tables that fit all symbols, then each interval behind its scan header or restart marker."""
    used = {symbol for _, _, coded in intervals for kind, symbol, _ in coded if kind == "wave"}
    first_table, first_codes = huffman(0x00, range(16))
    second_table, second_codes = huffman(0x10, sorted(used))
    codes = {"mean": first_codes, "wave": second_codes}
    stream = first_table + second_table
    for lanes, number, coded in intervals:
        stream += bytes([0xFF, 0xD0 + (number - 1) % 8]) if number else scan(lanes, 0, 0, 63, 0)
        stream += entropy("".join(codes[kind][symbol] + value_bits(value)
                                  for kind, symbol, value in coded))
    return stream


def runs(numbers):
    """The coefficients behind the mean, each with the zeros before it, and the block's end."""
    coded, zeros = [], 0
    last = max(place for place in range(64) if place == 0 or numbers[place])
    for number in numbers[1:last + 1]:
        if number == 0:
            zeros += 1
            continue
        coded += [("wave", 0xF0, 0)] * (zeros // 16)
        coded += [("wave", zeros % 16 << 4 | abs(number).bit_length(), number)]
        zeros = 0
    return coded + ([("wave", 0, 0)] if last < 63 else [])


def rust(name, values):
    """A stream becomes bytes, a list of streams a table of them, other lists are samples."""
    kind, text = "&[u16]", f"&{values}"
    if isinstance(values, bytes):
        kind, text = "&[u8]", f"&{list(values)}"
    elif isinstance(values[0], bytes):
        kind, text = "&[&[u8]]", "&[" + ", ".join(f"&{list(stream)}" for stream in values) + "]"
    print(f"pub(super) const {name}: {kind} = {text};\n")


def flat(planes):
    """Planes of rows as samples interleaved by pixel."""
    return [sample for rows in zip(*planes) for pixel in zip(*rows) for sample in pixel]


def noisy(noise, precision, width=7, height=5):
    """Slopes with noise and jumps of half the range, the largest difference there is."""
    middle = 1 << (precision - 1)
    return [[(x * 5 + y * 9 + noise.randrange(16) + middle * (x * y % 3 == 2)) % (2 * middle)
             for x in range(width)] for y in range(height)]


def main():
    noise = random.Random(81)
    print("//! Written by jpeg.py; not to be edited by hand.\n")
    for precision in 12, 16:
        plane = noisy(noise, precision)
        plane[0][0] = 0  # half the range below the first prediction: a code without value bits
        rust(f"GREY_{precision}", flat([plane]))
        rust(f"LOSSLESS_{precision}", [lossless([plane], precision, way) for way in range(1, 8)])
    grey = noisy(noise, 12)
    rust("GREY", flat([grey]))
    rust("RESTARTS", lossless([grey], 12, 4, restart_rows=2))
    rust("POINT_TRANSFORM", lossless([grey], 12, 1, point=2))
    colour = [noisy(noise, 8, 4, 3) for _ in range(3)]
    rust("COLOUR", flat(colour))
    rust("INTERLEAVED", lossless(colour, 8, 1))
    rust("SEVERAL_SCANS", lossless(colour, 8, 7, scans=[[2], [0, 1]]))

    disc = lambda x, y: 3900 if (x - 6) ** 2 + (y - 9) ** 2 < 30 else 40 * x + 11 * y
    stream, values = dct([disc], [(1, 1)], 12, 16, 16, [[0]])
    rust("COSINES_12", stream)
    rust("COSINES_12_VALUES", values)
    rust("COSINES_12_RESTARTS", dct([disc], [(1, 1)], 12, 16, 16, [[0]], restart=3)[0])
    slopes = [lambda x, y: 20 + 9 * x + 13 * y % 64, lambda x, y: 240 - 17 * x, lambda x, y: 31 * y]
    factors = [(2, 1), (1, 1), (1, 1)]
    stream, values = dct(slopes, factors, 8, 18, 3, [[0, 1, 2]])
    rust("SUBSAMPLED_8", stream)
    rust("SUBSAMPLED_8_VALUES", values)
    rust("SUBSAMPLED_8_SCANS", dct(slopes, factors, 8, 18, 3, [[1], [0], [2]])[0])


if __name__ == "__main__":
    main()
