//! Score fusion of text and image (CLIP_SF of UniIR): the raw sum, normalised once.
//!
//! Normalising each part before the sum would change the ranking, because the norms of the two
//! modalities differ.

use std::ops::Range;

/// Below this a vector has no direction worth keeping.
const LEAST_NORM: f64 = 1e-12;

/// The largest number that half precision holds.
const LARGEST_PART: f32 = 65_504.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modality {
    Text,
    Image,
}

impl std::fmt::Display for Modality {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Image => "image",
        })
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum VectorError {
    #[error("there is neither a text nor an image vector; embed at least one of them")]
    Nothing,
    #[error("the {0} vector is empty; check what the model returned")]
    Empty(Modality),
    #[error("the {of} vector holds {value} at place {place}; embed it again")]
    NotFinite {
        of: Modality,
        place: usize,
        value: f32,
    },
    #[error("the {of} vector holds {value} at place {place}, more than 65504; check the model")]
    TooLarge {
        of: Modality,
        place: usize,
        value: f32,
    },
    #[error("the text vector has {text} dimensions and the image vector {image}; use one model")]
    Dimensions { text: usize, image: usize },
    #[error("the vector has {found} dimensions, the index {expected}; use the model of the index")]
    Dimension { found: usize, expected: usize },
    #[error("the sum of the vectors is zero and has no direction; embed something else")]
    Zero,
}

/// A vector of length one.
#[derive(Debug, Clone, PartialEq)]
pub struct Fused(Vec<f32>);

impl Fused {
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// Of any vector that has a direction.
    pub fn of(vector: &[f32]) -> Result<Self, VectorError> {
        fuse(Some(vector), None)
    }
}

/// The sum of what is there, normalised once.
pub fn fuse(text: Option<&[f32]>, image: Option<&[f32]>) -> Result<Fused, VectorError> {
    let sum = raw_sum(text, image)?;
    let norm = norm(&sum);
    if norm < LEAST_NORM {
        return Err(VectorError::Zero);
    }
    Ok(Fused(
        sum.iter().map(|value| (value / norm) as f32).collect(),
    ))
}

/// The cosine of a query and a candidate as the sum of what each pair of modalities gives to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FourTerms {
    pub text_to_text: f64,
    pub text_to_image: f64,
    pub image_to_text: f64,
    pub image_to_image: f64,
}

impl FourTerms {
    /// Query and candidate are each (text, image), raw.
    pub fn of(
        query: (Option<&[f32]>, Option<&[f32]>),
        candidate: (Option<&[f32]>, Option<&[f32]>),
    ) -> Result<Self, VectorError> {
        let asked = raw_sum(query.0, query.1)?;
        let found = raw_sum(candidate.0, candidate.1)?;
        if asked.len() != found.len() {
            return Err(VectorError::Dimension {
                found: asked.len(),
                expected: found.len(),
            });
        }
        let (asked, found) = (norm(&asked), norm(&found));
        if asked < LEAST_NORM || found < LEAST_NORM {
            return Err(VectorError::Zero);
        }
        let term = |a: Option<&[f32]>, b: Option<&[f32]>| dot(a, b) / (asked * found);
        Ok(Self {
            text_to_text: term(query.0, candidate.0),
            text_to_image: term(query.0, candidate.1),
            image_to_text: term(query.1, candidate.0),
            image_to_image: term(query.1, candidate.1),
        })
    }

    /// The cosine.
    pub fn sum(&self) -> f64 {
        self.text_to_text + self.text_to_image + self.image_to_text + self.image_to_image
    }
}

fn raw_sum(text: Option<&[f32]>, image: Option<&[f32]>) -> Result<Vec<f64>, VectorError> {
    for (part, of) in [(text, Modality::Text), (image, Modality::Image)] {
        if let Some(part) = part {
            check(part, of)?;
        }
    }
    let wide = |part: &[f32]| part.iter().map(|&value| f64::from(value)).collect();
    match (text, image) {
        (None, None) => Err(VectorError::Nothing),
        (Some(part), None) | (None, Some(part)) => Ok(wide(part)),
        (Some(text), Some(image)) if text.len() != image.len() => Err(VectorError::Dimensions {
            text: text.len(),
            image: image.len(),
        }),
        (Some(text), Some(image)) => Ok(text
            .iter()
            .zip(image)
            .map(|(&a, &b)| f64::from(a) + f64::from(b))
            .collect()),
    }
}

fn check(part: &[f32], of: Modality) -> Result<(), VectorError> {
    if part.is_empty() {
        return Err(VectorError::Empty(of));
    }
    let Some((place, &value)) = part
        .iter()
        .enumerate()
        .find(|(_, value)| !(value.is_finite() && value.abs() <= LARGEST_PART))
    else {
        return Ok(());
    };
    Err(if value.is_finite() {
        VectorError::TooLarge { of, place, value }
    } else {
        VectorError::NotFinite { of, place, value }
    })
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|value| value * value).sum::<f64>().sqrt()
}

fn dot(a: Option<&[f32]>, b: Option<&[f32]>) -> f64 {
    let (Some(a), Some(b)) = (a, b) else {
        return 0.0;
    };
    a.iter()
        .zip(b)
        .map(|(&a, &b)| f64::from(a) * f64::from(b))
        .sum()
}

/// The `number`th of equal stretches of `length`.
pub(crate) fn stretch(number: usize, length: usize) -> Range<usize> {
    let from = number.saturating_mul(length);
    from..from.saturating_add(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_sum_is_of_the_raw_vectors() {
        let fused = fuse(Some(&[3.0, 0.0]), Some(&[0.0, 4.0])).unwrap();
        assert_eq!(fused.as_slice(), [0.6, 0.8]);
    }

    #[test]
    fn a_missing_modality_is_zero() {
        let fused = fuse(None, Some(&[0.0, 4.0])).unwrap();
        assert_eq!(fused.as_slice(), [0.0, 1.0]);
    }

    #[test]
    fn what_has_no_direction_is_refused() {
        assert_eq!(fuse(None, None), Err(VectorError::Nothing));
        assert_eq!(
            fuse(Some(&[]), None),
            Err(VectorError::Empty(Modality::Text))
        );
        assert_eq!(fuse(Some(&[0.0; 4]), None), Err(VectorError::Zero));
        assert_eq!(
            fuse(Some(&[1.0]), Some(&[-1.0])),
            Err(VectorError::Zero),
            "they cancel"
        );
        assert_eq!(
            fuse(Some(&[1.0]), Some(&[1.0, 2.0])),
            Err(VectorError::Dimensions { text: 1, image: 2 })
        );
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let refused = fuse(None, Some(&[1.0, bad])).unwrap_err();
            assert!(matches!(
                refused,
                VectorError::NotFinite {
                    of: Modality::Image,
                    place: 1,
                    ..
                }
            ));
        }
        assert!(matches!(
            fuse(Some(&[1e6]), None),
            Err(VectorError::TooLarge { .. })
        ));
    }

    fn part() -> impl Strategy<Value = Option<Vec<f32>>> {
        prop::option::of(prop::collection::vec(-20.0f32..20.0, 16))
    }

    proptest! {
        #[test]
        fn the_four_terms_add_up_to_the_cosine(qt in part(), qi in part(), ct in part(), ci in part()) {
            let query = (qt.as_deref(), qi.as_deref());
            let candidate = (ct.as_deref(), ci.as_deref());
            let (Ok(q), Ok(c)) = (fuse(query.0, query.1), fuse(candidate.0, candidate.1)) else {
                prop_assert!(FourTerms::of(query, candidate).is_err());
                return Ok(());
            };
            let cosine = dot(Some(q.as_slice()), Some(c.as_slice()));
            let terms = FourTerms::of(query, candidate).unwrap();
            prop_assert!((terms.sum() - cosine).abs() < 1e-5, "{} {cosine}", terms.sum());
            let length: f64 = dot(Some(q.as_slice()), Some(q.as_slice()));
            prop_assert!((length - 1.0).abs() < 1e-6);
        }
    }
}
