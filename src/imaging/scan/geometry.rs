//! Where voxels lie in the patient, and how a plane through them is laid out on a screen.
//!
//! Directions are in DICOM's patient coordinates: +x to the patient's Left, +y to the Posterior,
//! +z to the Superior side. Screens follow radiologists: the patient's right is on the left.

use semihv_domain::Cut;

/// A direction or a place in the patient: towards Left, Posterior, Superior.
pub type Lps = [f32; 3];

/// Voxels along the three stored axes, their distance and where they lead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    pub extent: [u32; 3],
    /// Millimetres between voxels; `None` where the file does not say.
    pub spacing: Option<[f32; 3]>,
    /// Unit vectors of the stored axes; `None` where the file does not say.
    pub directions: Option<[Lps; 3]>,
    /// The first voxel's place in millimetres.
    pub origin: Lps,
}

/// One stored axis, walked forwards or backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Walk {
    pub axis: usize,
    pub is_reversed: bool,
}

/// A cut in terms of the stored axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layout {
    pub across: Walk,
    pub down: Walk,
    pub through: Walk,
}

/// Anatomical axes (0 left, 1 posterior, 2 superior) across, down and through, and whether each is
/// walked against its direction. Slices are counted as nibabel's RAS+ counts them.
fn anatomy(cut: Cut) -> [(usize, bool); 3] {
    match cut {
        Cut::Stored | Cut::Axial => [(0, false), (1, false), (2, false)],
        Cut::Coronal => [(0, false), (2, true), (1, true)],
        Cut::Sagittal => [(1, false), (2, true), (0, true)],
    }
}

impl Geometry {
    /// A picture without a place.
    pub fn flat(extent: [u32; 3]) -> Self {
        Self {
            extent,
            spacing: None,
            directions: None,
            origin: [0.0; 3],
        }
    }

    /// The stored axis that runs closest to each anatomical one, and whether it runs against it.
    fn anatomical_axes(&self) -> Option<[Walk; 3]> {
        const ORDERS: [[usize; 3]; 6] = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ];
        let directions = self.directions?;
        let along = |axis: usize, anatomical: usize| directions[axis][anatomical];
        let likeness = |order: &[usize; 3]| -> f32 {
            (0..3)
                .map(|anatomical| along(order[anatomical], anatomical).abs())
                .sum()
        };
        let best = ORDERS
            .into_iter()
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
        Some([0, 1, 2].map(|anatomical| Walk {
            axis: best[anatomical],
            is_reversed: along(best[anatomical], anatomical) < 0.0,
        }))
    }

    /// The cut whose slices are the stored ones: what a series was acquired in.
    pub fn natural_cut(&self) -> Cut {
        let Some(axes) = self.anatomical_axes() else {
            return Cut::Stored;
        };
        match axes.iter().position(|walk| walk.axis == 2) {
            Some(0) => Cut::Sagittal,
            Some(1) => Cut::Coronal,
            _ => Cut::Axial,
        }
    }

    /// Where the patient's sides are unknown, every cut is the stored one.
    pub(crate) fn layout(&self, cut: Cut) -> Layout {
        let stored = Layout {
            across: Walk {
                axis: 0,
                is_reversed: false,
            },
            down: Walk {
                axis: 1,
                is_reversed: false,
            },
            through: Walk {
                axis: 2,
                is_reversed: false,
            },
        };
        let Some(axes) = self.anatomical_axes().filter(|_| cut != Cut::Stored) else {
            return stored;
        };
        let [across, down, through] = anatomy(cut).map(|(anatomical, is_against)| Walk {
            axis: axes[anatomical].axis,
            is_reversed: axes[anatomical].is_reversed != is_against,
        });
        Layout {
            across,
            down,
            through,
        }
    }

    /// Slices of a cut; never none.
    pub fn slices(&self, cut: Cut) -> u32 {
        self.extent[self.layout(cut).through.axis].max(1)
    }

    /// Millimetres of a pixel across and down, of a slice through; none where unknown.
    pub fn spacing_of(&self, cut: Cut) -> Option<[f32; 3]> {
        let layout = self.layout(cut);
        let spacing = self.spacing?;
        Some([layout.across, layout.down, layout.through].map(|walk| spacing[walk.axis]))
    }

    /// Height of a pixel by its width: 1 where the file does not say.
    pub fn pixel_aspect(&self, cut: Cut) -> f32 {
        match self.spacing_of(cut) {
            Some([across, down, _]) if across > 0.0 && down > 0.0 => {
                (down / across).clamp(0.02, 50.0)
            }
            _ => 1.0,
        }
    }

    /// The letters at the left, right, top and bottom of the screen.
    pub fn marks(&self, cut: Cut) -> Option<[char; 4]> {
        let directions = self.directions?;
        let layout = self.layout(cut);
        let to = |walk: Walk| letter(directions[walk.axis], walk.is_reversed);
        let from = |walk: Walk| letter(directions[walk.axis], !walk.is_reversed);
        Some([
            from(layout.across),
            to(layout.across),
            from(layout.down),
            to(layout.down),
        ])
    }

    /// The stored voxel under a pixel of a slice.
    pub fn voxel(&self, cut: Cut, slice: u32, (x, y): (u32, u32)) -> [u32; 3] {
        let layout = self.layout(cut);
        let mut voxel = [0; 3];
        for (walk, at) in [
            (layout.across, x),
            (layout.down, y),
            (layout.through, slice),
        ] {
            voxel[walk.axis] = self.walked(walk, at);
        }
        voxel
    }

    /// The pixel and the slice in which a cut shows a stored voxel.
    pub fn shown_at(&self, cut: Cut, voxel: [u32; 3]) -> (u32, (u32, u32)) {
        let layout = self.layout(cut);
        let at = |walk: Walk| self.walked(walk, voxel[walk.axis]);
        (at(layout.through), (at(layout.across), at(layout.down)))
    }

    /// Walking backwards twice leads forwards: both directions are this function.
    fn walked(&self, walk: Walk, at: u32) -> u32 {
        if walk.is_reversed {
            self.extent[walk.axis].saturating_sub(1).saturating_sub(at)
        } else {
            at
        }
    }

    /// The place of the middle of a slice in the patient, in millimetres.
    pub fn middle(&self, cut: Cut, slice: u32) -> Option<Lps> {
        let layout = self.layout(cut);
        let half = |axis: usize| self.extent[axis] / 2;
        let at = (half(layout.across.axis), half(layout.down.axis));
        self.place(self.voxel(cut, slice, at))
    }

    /// The slice of a cut that lies nearest to a place; `None` outside of the scan.
    pub fn slice_at(&self, cut: Cut, place: Lps) -> Option<u32> {
        let (directions, spacing) = (self.directions?, self.spacing?);
        let through = self.layout(cut).through;
        let along: f32 = (0..3)
            .map(|side| (place[side] - self.origin[side]) * directions[through.axis][side])
            .sum();
        let step = (along / spacing[through.axis]).round();
        let is_inside = step >= 0.0 && step < self.extent[through.axis] as f32;
        is_inside.then(|| self.walked(through, step as u32))
    }

    /// A voxel's place in the patient in millimetres.
    pub fn place(&self, voxel: [u32; 3]) -> Option<Lps> {
        let (directions, spacing) = (self.directions?, self.spacing?);
        Some([0, 1, 2].map(|side| {
            let moved: f32 = (0..3)
                .map(|axis| directions[axis][side] * spacing[axis] * voxel[axis] as f32)
                .sum();
            self.origin[side] + moved
        }))
    }
}

/// The side of the patient that a direction leads to.
fn letter(direction: Lps, is_reversed: bool) -> char {
    let sides = [('L', 'R'), ('P', 'A'), ('S', 'I')];
    let (value, (ahead, behind)) = direction
        .into_iter()
        .zip(sides)
        .max_by(|(a, _), (b, _)| a.abs().total_cmp(&b.abs()))
        .unwrap_or((0.0, ('?', '?')));
    if (value < 0.0) == is_reversed {
        ahead
    } else {
        behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An axial CT as DICOM stores it: columns to the left, rows to the back, slices upwards.
    fn axial() -> Geometry {
        Geometry {
            extent: [4, 5, 6],
            spacing: Some([0.5, 0.5, 3.0]),
            directions: Some([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
            origin: [10.0, 20.0, 30.0],
        }
    }

    #[test]
    fn a_patient_is_seen_from_the_feet_and_from_the_front() {
        let marks = |cut| axial().marks(cut).unwrap().iter().collect::<String>();
        assert_eq!(marks(Cut::Axial), "RLAP");
        assert_eq!(marks(Cut::Coronal), "RLSI");
        assert_eq!(marks(Cut::Sagittal), "APSI");
    }

    #[test]
    fn the_true_shape_of_a_pixel_is_known() {
        let near = |aspect: f32, known: f32| (aspect - known).abs() < 1e-6;
        assert!(near(axial().pixel_aspect(Cut::Axial), 1.0));
        assert!(near(axial().pixel_aspect(Cut::Coronal), 6.0));
        assert_eq!(
            (axial().slices(Cut::Coronal), axial().slices(Cut::Axial)),
            (5, 6)
        );
        let broken = Geometry {
            spacing: Some([0.0; 3]),
            ..axial()
        };
        assert!(near(broken.pixel_aspect(Cut::Coronal), 1.0));
    }

    #[test]
    fn a_pixel_and_its_voxel_find_each_other_in_every_cut() {
        let turned = Geometry {
            directions: Some([[0.0, 0.1, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.1]]),
            ..axial()
        };
        for geometry in [axial(), turned, Geometry::flat([4, 5, 6])] {
            for cut in Cut::ALL {
                let voxel = [1, 3, 4];
                let (slice, pixel) = geometry.shown_at(cut, voxel);
                assert_eq!(geometry.voxel(cut, slice, pixel), voxel, "{cut}");
            }
        }
        assert_eq!(turned.natural_cut(), Cut::Coronal);
        assert_eq!(axial().place([1, 0, 2]), Some([10.5, 20.0, 36.0]));
        for cut in Cut::ALL {
            let middle = axial().middle(cut, 2).unwrap();
            assert_eq!(axial().slice_at(cut, middle), Some(2), "{cut}");
        }
        assert_eq!(axial().slice_at(Cut::Axial, [0.0, 0.0, 99.0]), None);
    }
}
