//! The table of demo pictures: for each key the scene, its seed and where its findings lie.
//!
//! The same numbers draw the lesion and stand in the demo's cases as its region, so that text
//! and picture cannot drift apart; tests compare the two.

use semihv_domain::Shape;

use super::abdomen::Abdomen;
use super::form::{Form, Point};
use super::histology::Tissue;
use super::ultrasound::Scan;
use super::{ct, mr, xray};

/// One drawn picture.
#[derive(Debug, Clone, Copy)]
pub struct Phantom {
    pub key: &'static str,
    pub(super) seed: u32,
    pub(super) scene: Scene,
    /// What is to be found in it; the first one is the main finding.
    pub findings: &'static [Finding],
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Scene {
    ChestCt(ct::Chest),
    AbdomenCt(Abdomen),
    HeadCt(ct::Head),
    HeadMr(mr::Head),
    LumbarSpine,
    ChestFilm(xray::Chest),
    Leg,
    Scan(Scan),
    Slide(Tissue),
}

/// A drawn lesion: its name, its outline and how it differs from what lies around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    pub label: &'static str,
    pub outline: Outline,
    pub tone: Tone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Brighter,
    Darker,
}

/// The outline of a finding in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outline {
    Ellipse {
        centre: (f32, f32),
        radii: (f32, f32),
    },
    Box {
        corner: (f32, f32),
        size: (f32, f32),
    },
    Polygon(&'static [(f32, f32)]),
}

impl Outline {
    /// The same outline in the words of the domain.
    pub fn shape(&self) -> Shape {
        match *self {
            Self::Ellipse { centre, radii } => Shape::Ellipse {
                cx: centre.0.into(),
                cy: centre.1.into(),
                rx: radii.0.into(),
                ry: radii.1.into(),
            },
            Self::Box { corner, size } => Shape::Box {
                x: corner.0.into(),
                y: corner.1.into(),
                width: size.0.into(),
                height: size.1.into(),
            },
            Self::Polygon(points) => Shape::Polygon {
                points: points.iter().map(|&(x, y)| (x.into(), y.into())).collect(),
            },
        }
    }

    pub(super) fn form(&self) -> Form {
        match *self {
            Self::Ellipse { centre, radii } => Form::oval(centre, radii),
            Self::Box { .. } => {
                let (centre, radii) = self.oval();
                Form::oval(centre, radii).squared(12.0)
            }
            Self::Polygon(points) => Form::curve(points),
        }
    }

    /// Left, top, width, height.
    pub(super) fn bounds(&self) -> (f32, f32, f32, f32) {
        let (left, top, right, bottom) = match *self {
            Self::Ellipse { centre, radii } => Form::oval(centre, radii).bounds(),
            Self::Box { corner, size } => {
                (corner.0, corner.1, corner.0 + size.0, corner.1 + size.1)
            }
            Self::Polygon(points) => Form::Polygon(points.to_vec()).bounds(),
        };
        (left, top, right - left, bottom - top)
    }

    /// Centre and radii of the oval that fits the bounds.
    pub(super) fn oval(&self) -> (Point, Point) {
        let (left, top, width, height) = self.bounds();
        let radii = (width / 2.0, height / 2.0);
        ((left + radii.0, top + radii.1), radii)
    }
}

const fn ellipse(
    label: &'static str,
    centre: (f32, f32),
    radii: (f32, f32),
    tone: Tone,
) -> Finding {
    Finding {
        label,
        outline: Outline::Ellipse { centre, radii },
        tone,
    }
}

const fn boxed(label: &'static str, corner: (f32, f32), size: (f32, f32), tone: Tone) -> Finding {
    Finding {
        label,
        outline: Outline::Box { corner, size },
        tone,
    }
}

const fn phantom(
    key: &'static str,
    seed: u32,
    scene: Scene,
    findings: &'static [Finding],
) -> Phantom {
    Phantom {
        key,
        seed,
        scene,
        findings,
    }
}

use Tone::{Brighter, Darker};

/// All demo pictures, by key.
pub(super) const PHANTOMS: &[Phantom] = &[
    phantom(
        "ct-001",
        11,
        Scene::ChestCt(ct::Chest::Nodule),
        &[ellipse("nodule", (122.0, 178.0), (11.0, 10.0), Brighter)],
    ),
    phantom(
        "ct-002",
        12,
        Scene::ChestCt(ct::Chest::Effusion),
        &[ellipse(
            "pleural effusion",
            (330.0, 296.0),
            (42.0, 30.0),
            Brighter,
        )],
    ),
    phantom(
        "ct-003",
        13,
        Scene::ChestCt(ct::Chest::Pneumothorax),
        &[ellipse(
            "pneumothorax",
            (142.0, 134.0),
            (30.0, 13.0),
            Darker,
        )],
    ),
    phantom(
        "ct-004",
        14,
        Scene::HeadCt(ct::Head::Haemorrhage),
        &[ellipse(
            "haemorrhage",
            (168.0, 220.0),
            (21.0, 30.0),
            Brighter,
        )],
    ),
    phantom(
        "ct-005",
        15,
        Scene::HeadCt(ct::Head::Subdural),
        &[Finding {
            label: "subdural haematoma",
            outline: Outline::Polygon(&[
                (297.0, 88.0),
                (330.0, 118.0),
                (352.0, 160.0),
                (364.0, 210.0),
                (366.0, 256.0),
                (358.0, 296.0),
                (348.0, 286.0),
                (350.0, 250.0),
                (344.0, 208.0),
                (330.0, 166.0),
                (312.0, 130.0),
            ]),
            tone: Brighter,
        }],
    ),
    phantom(
        "ct-006",
        16,
        Scene::AbdomenCt(Abdomen::Cyst),
        &[ellipse("cyst", (122.0, 204.0), (22.0, 21.0), Darker)],
    ),
    phantom(
        "ct-007",
        17,
        Scene::AbdomenCt(Abdomen::Metastases),
        &[
            ellipse("metastasis", (112.0, 236.0), (21.0, 20.0), Darker),
            ellipse("metastasis", (146.0, 152.0), (16.0, 15.0), Darker),
            ellipse("metastasis", (202.0, 138.0), (13.0, 12.0), Darker),
        ],
    ),
    phantom(
        "ct-008",
        18,
        Scene::AbdomenCt(Abdomen::Stone),
        &[ellipse("stone", (295.0, 302.0), (6.0, 7.0), Brighter)],
    ),
    phantom(
        "ct-009",
        19,
        Scene::ChestCt(ct::Chest::CalcifiedNodule),
        &[ellipse(
            "calcified nodule",
            (334.0, 252.0),
            (10.0, 10.0),
            Brighter,
        )],
    ),
    phantom(
        "mr-001",
        21,
        Scene::HeadMr(mr::Head::Plaques),
        &[ellipse("plaque", (284.0, 276.0), (15.0, 7.0), Brighter)],
    ),
    phantom(
        "mr-002",
        22,
        Scene::HeadMr(mr::Head::RingTumour),
        &[ellipse(
            "ring-enhancing mass",
            (282.0, 140.0),
            (29.0, 27.0),
            Brighter,
        )],
    ),
    phantom(
        "mr-003-a",
        23,
        Scene::HeadMr(mr::Head::InfarctDiffusion),
        &[ellipse("infarct", (306.0, 214.0), (38.0, 46.0), Brighter)],
    ),
    phantom(
        "mr-003-b",
        23,
        Scene::HeadMr(mr::Head::InfarctCoefficient),
        &[ellipse("infarct", (306.0, 214.0), (38.0, 46.0), Darker)],
    ),
    phantom(
        "mr-004",
        24,
        Scene::HeadMr(mr::Head::Meningioma),
        &[ellipse(
            "meningioma",
            (114.0, 160.0),
            (30.0, 34.0),
            Brighter,
        )],
    ),
    phantom(
        "mr-005",
        25,
        Scene::HeadMr(mr::Head::ArachnoidCyst),
        &[ellipse(
            "arachnoid cyst",
            (334.0, 146.0),
            (34.0, 36.0),
            Brighter,
        )],
    ),
    phantom(
        "mr-006",
        26,
        Scene::LumbarSpine,
        &[ellipse(
            "disc herniation",
            (260.0, 266.0),
            (15.0, 10.0),
            Darker,
        )],
    ),
    phantom(
        "mr-007",
        27,
        Scene::HeadMr(mr::Head::Hydrocephalus),
        &[
            ellipse("lateral ventricle", (201.0, 170.0), (16.0, 27.0), Brighter),
            ellipse("lateral ventricle", (247.0, 170.0), (16.0, 27.0), Brighter),
        ],
    ),
    phantom("xr-001", 31, Scene::ChestFilm(xray::Chest::Normal), &[]),
    phantom(
        "xr-002",
        32,
        Scene::ChestFilm(xray::Chest::Pneumothorax),
        &[boxed("pneumothorax", (330.0, 112.0), (24.0, 110.0), Darker)],
    ),
    phantom(
        "xr-003",
        33,
        Scene::ChestFilm(xray::Chest::Consolidation),
        &[ellipse(
            "consolidation",
            (126.0, 248.0),
            (42.0, 36.0),
            Brighter,
        )],
    ),
    phantom(
        "xr-004-a",
        34,
        Scene::ChestFilm(xray::Chest::Effusion),
        &[boxed(
            "pleural effusion",
            (290.0, 240.0),
            (84.0, 84.0),
            Brighter,
        )],
    ),
    phantom("xr-004-b", 34, Scene::ChestFilm(xray::Chest::Normal), &[]),
    phantom(
        "xr-005",
        35,
        Scene::ChestFilm(xray::Chest::BigHeart),
        &[ellipse("heart", (256.0, 264.0), (88.0, 58.0), Brighter)],
    ),
    phantom(
        "xr-006",
        36,
        Scene::Leg,
        &[Finding {
            label: "fracture line",
            outline: Outline::Polygon(&[
                (170.0, 213.0),
                (212.0, 239.0),
                (212.0, 249.0),
                (170.0, 223.0),
            ]),
            tone: Darker,
        }],
    ),
    phantom(
        "us-001",
        41,
        Scene::Scan(Scan::Gallstone),
        &[ellipse("gallstone", (272.0, 214.0), (22.0, 12.0), Brighter)],
    ),
    phantom(
        "us-002",
        42,
        Scene::Scan(Scan::RenalCyst),
        &[ellipse("cyst", (344.0, 186.0), (36.0, 34.0), Darker)],
    ),
    phantom(
        "us-003",
        43,
        Scene::Scan(Scan::FreeFluid),
        &[ellipse("free fluid", (236.0, 184.0), (94.0, 15.0), Darker)],
    ),
    phantom(
        "us-004",
        44,
        Scene::Scan(Scan::BreastMass),
        &[ellipse("mass", (262.0, 168.0), (34.0, 44.0), Darker)],
    ),
    phantom(
        "us-005",
        45,
        Scene::Scan(Scan::Aneurysm),
        &[ellipse("aneurysm", (256.0, 206.0), (78.0, 72.0), Darker)],
    ),
    phantom(
        "hp-001",
        51,
        Scene::Slide(Tissue::ColonNormal),
        &[ellipse(
            "goblet cells",
            (240.0, 240.0),
            (27.0, 26.0),
            Brighter,
        )],
    ),
    phantom(
        "hp-002",
        52,
        Scene::Slide(Tissue::ColonAdenocarcinoma),
        &[ellipse(
            "malignant gland",
            (242.0, 240.0),
            (98.0, 86.0),
            Darker,
        )],
    ),
    phantom(
        "hp-003",
        53,
        Scene::Slide(Tissue::BreastHighGrade),
        &[ellipse("solid nest", (244.0, 244.0), (104.0, 96.0), Darker)],
    ),
    phantom(
        "hp-004",
        54,
        Scene::Slide(Tissue::ProstateSmallGlands),
        &[ellipse(
            "crowded small glands",
            (330.0, 240.0),
            (136.0, 170.0),
            Darker,
        )],
    ),
    phantom(
        "hp-005",
        55,
        Scene::Slide(Tissue::LiverFat),
        &[ellipse(
            "fat droplet",
            (230.0, 250.0),
            (21.0, 20.0),
            Brighter,
        )],
    ),
];
