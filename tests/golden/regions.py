"""What lies where in real region files, by pydicom and nibabel.

    python3 -m venv venv && venv/bin/pip install pydicom nibabel numpy
    venv/bin/python -P tests/golden/regions.py DATA > tests/golden/regions.json

(-P: a file beside this one has the name of a package.)

DATA holds the folders `dicom` and `nifti`. A slice is named by the number of its pixels, by the
CRC-32 of one byte a pixel (1 inside, 0 outside, rows from the top), and by what it lies on.
"""

import json
import sys
import warnings
import zlib
from pathlib import Path

import nibabel
import numpy
import pydicom

warnings.filterwarnings("ignore")

SEGMENTATIONS = [
    "dicom/pydicom-data/liver.dcm",
    "dicom/pydicom-test-files/liver_1frame.dcm",
    "dicom/highdicom-test-files/seg_image_ct_binary.dcm",
    "dicom/highdicom-test-files/seg_image_ct_binary_overlap.dcm",
    "dicom/highdicom-test-files/seg_image_ct_binary_single_frame.dcm",
    "dicom/highdicom-test-files/seg_image_cr_binary.dcm",
]
# A label map, and a scan with a grid of its own.
LABEL_MAPS = [
    ("nifti/mricron/brodmann.nii.gz", "nifti/mricron/ch2bet.nii.gz", [4, 17]),
    ("nifti/mricron/aal.nii.gz", "nifti/nibabel/anatomical.nii", [71, 78]),
    ("nifti/mricron/aal.nii.gz", "nifti/nibabel/example4d.nii.gz", [77, 78]),
]


def said(mask):
    mask = numpy.ascontiguousarray(mask.astype(numpy.uint8))
    return {"pixels": int(mask.sum()), "crc32": zlib.crc32(mask.tobytes())}


def frame_position(data, groups):
    for source in (groups, data.get("SharedFunctionalGroupsSequence", [None])[0]):
        if source is not None and "PlanePositionSequence" in source:
            return numpy.array(source.PlanePositionSequence[0].ImagePositionPatient, float)
    return None


def segmentation(path):
    data = pydicom.dcmread(path)
    frames = numpy.atleast_3d(data.pixel_array)
    if data.pixel_array.ndim == 2:
        frames = data.pixel_array[None]
    groups = data.PerFrameFunctionalGroupsSequence
    orientation = None
    for source in (groups[0], data.get("SharedFunctionalGroupsSequence", [None])[0]):
        if source is not None and "PlaneOrientationSequence" in source:
            orientation = source.PlaneOrientationSequence[0].ImageOrientationPatient
            break
    places = [frame_position(data, group) for group in groups]
    if orientation is not None and all(place is not None for place in places):
        normal = numpy.cross([float(x) for x in orientation[:3]], [float(x) for x in orientation[3:]])
        along = [round(float(place @ normal), 3) for place in places]
        order = sorted(set(along))
        gaps = [b - a for a, b in zip(order, order[1:])]
        least = min(gaps) if gaps else 1.0
        depths = [round((place - order[0]) / least) for place in along]
    else:
        depths = list(range(len(groups)))
    found = []
    for frame, group, depth in zip(frames, groups, depths):
        shared = data.get("SharedFunctionalGroupsSequence", [{}])[0]
        named = group if "SegmentIdentificationSequence" in group else shared
        number = named.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        if frame.any():
            found.append({"segment": int(number), "slice": depth, **said(frame > 0)})
    names = {int(s.SegmentNumber): str(s.SegmentLabel) for s in data.SegmentSequence}
    return {"names": names, "slices": found}


def label_map(path, scan, labels):
    regions = nibabel.load(path)
    values = numpy.asanyarray(regions.dataobj)
    scan = nibabel.load(scan)
    shape = scan.shape[:3]
    grid = numpy.indices(shape).reshape(3, -1)
    ones = numpy.vstack([grid, numpy.ones(grid.shape[1])])
    there = numpy.linalg.inv(regions.affine) @ scan.affine @ ones
    there = numpy.floor(there[:3] + 0.5).astype(int)
    inside = numpy.all((there >= 0) & (there < numpy.array(values.shape[:3])[:, None]), axis=0)
    found = numpy.zeros(grid.shape[1], values.dtype)
    found[inside] = values[tuple(there[:, inside])]
    found = found.reshape(shape)
    answer = []
    for label in labels:
        mask = found == label
        for slice in range(shape[2]):
            # As a screen has it: rows are the second stored axis.
            if mask[:, :, slice].any():
                answer.append({"segment": label, "slice": slice, **said(mask[:, :, slice].T)})
    return {"labels": len(set(numpy.unique(values)) - {0}), "slices": answer}


def main(data):
    data = Path(data)
    golden = {
        "segmentations": {name: segmentation(data / name) for name in SEGMENTATIONS},
        "label_maps": [
            {"file": file, "scan": scan, **label_map(data / file, data / scan, labels)}
            for file, scan, labels in LABEL_MAPS
        ],
    }
    json.dump(golden, sys.stdout, indent=1, sort_keys=True)
    print()


main(sys.argv[1])
