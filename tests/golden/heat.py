"""Values of one volume at the voxels of a slice of another, by nibabel and scipy.

    python3 -m venv venv && venv/bin/pip install nibabel numpy scipy
    venv/bin/python -P tests/golden/heat.py DATA > tests/golden/heat.json

(-P: a file beside this one has the name of a package.)

DATA holds the folder `nifti`. Of each stored slice the mean of all values is said, how many lie
inside, and some values by their place.
"""

import json
import sys
from pathlib import Path

import nibabel
import numpy
from nibabel.processing import resample_from_to

# What is laid over, what it is laid over, and the slices.
PAIRS = [
    ("nifti/mricron/ch2bet.nii.gz", "nifti/nibabel/example4d.nii.gz", [4, 11, 20]),
    ("nifti/mricron/ch2bet.nii.gz", "nifti/nibabel/anatomical.nii", [8, 15]),
]
STEP = 7


def first_volume(path):
    image = nibabel.load(path)
    data = numpy.asarray(image.dataobj, dtype=numpy.float64)
    return nibabel.Nifti1Image(data.reshape(data.shape[:3] + (-1,))[..., 0], image.affine)


def main(root):
    out = []
    for over, under, slices in PAIRS:
        below = first_volume(root / under)
        placed = resample_from_to(
            first_volume(root / over), below, order=1, mode="constant", cval=numpy.nan
        ).get_fdata()
        for at in slices:
            plane = placed[:, :, at]
            inside = plane[numpy.isfinite(plane)]
            some = [
                [x, y, round(float(plane[x, y]), 3)]
                for y in range(0, plane.shape[1], STEP)
                for x in range(0, plane.shape[0], STEP)
                if numpy.isfinite(plane[x, y])
            ]
            out.append(
                {
                    "over": over,
                    "under": under,
                    "slice": at,
                    "inside": len(inside),
                    "mean": round(float(inside.mean()), 4) if len(inside) else None,
                    "some": some,
                }
            )
    json.dump(out, sys.stdout, indent=None, separators=(",", ":"))
    print()


main(Path(sys.argv[1]))
