//! What a retriever is trained on: the raw vectors of every image of a case and of what is written
//! of it, as the frozen encoder makes them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use semihv_domain::{CaseId, Failure, FailureKind};
use semihv_encoders::tensors::{Named, Numbers, write};

use crate::Engine;
use crate::embedding::first_look;
use crate::failures::OrFail;

/// Cases read at once.
const PAGE: usize = 64;

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FeatureCounts {
    pub pairs: usize,
    pub cases: usize,
    /// Images that cannot be read, or of which nothing is written.
    pub left: usize,
}

#[derive(Default)]
struct Features {
    text: Vec<f32>,
    image: Vec<f32>,
    group: Vec<i64>,
    /// Images that wait: case, text, location.
    waiting: Vec<(i64, String, String)>,
    counts: FeatureCounts,
}

impl Engine {
    /// Writes `text`, `image` (F32) and `group` (the case, I64) as safetensors. Cases whose keys
    /// stand in `without` are left out: they are kept to measure on. `heard` is told how many
    /// cases are done, and stops it by false; then nothing is written.
    pub fn write_features(
        &self,
        path: &Path,
        without: &[String],
        heard: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Option<FeatureCounts>, Failure> {
        let encoding = self.encoding()?;
        let store = self.connect(semihv_workspace::Durability::Kill)?;
        let total = store.counts().or_fail("features")?.cases;
        let mut features = Features::default();
        let (mut after, mut done) = ((0, i64::MIN), 0);
        loop {
            let page = store.searchable_cases(after, PAGE).or_fail("features")?;
            let Some(last) = page.last() else { break };
            after = (last.change, last.id);
            let keys = store
                .keys_of_cases(&page.iter().map(|case| case.id).collect::<Vec<_>>())
                .or_fail("features")?;
            for case in page {
                done += 1;
                if keys.get(&case.id).is_some_and(|key| without.contains(key)) {
                    continue;
                }
                let images = store.images(CaseId(case.id)).or_fail("features")?;
                for image in images {
                    let captions = image.captions.iter().map(|it| it.text.as_str());
                    let texts = captions
                        .chain([case.title.as_str()])
                        .chain(case.texts.iter().map(String::as_str));
                    let text = texts.collect::<Vec<_>>().join("\n");
                    let location = self.location_of(&image);
                    features.waiting.push((case.id, text, location));
                }
            }
            features.encode(&encoding)?;
            if !heard(done, total) {
                return Ok(None);
            }
        }
        features.write(path, encoding.names())?;
        Ok(Some(features.counts))
    }
}

impl Features {
    fn encode(&mut self, encoding: &crate::encoding::Encoding) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut self.waiting);
        let texts: Vec<&str> = waiting.iter().map(|(_, text, _)| text.as_str()).collect();
        let texts = encoding.raw_texts(&texts)?;
        let (mut looked, mut pairs) = (Vec::new(), Vec::new());
        for ((case, _, location), text) in waiting.iter().zip(texts) {
            let picture = first_look(location).ok();
            let seen = picture.and_then(|picture| encoding.look(&picture));
            match (text, seen) {
                (Some(text), Some(seen)) => {
                    looked.push(seen);
                    pairs.push((*case, text));
                }
                _ => self.counts.left += 1,
            }
        }
        let images = encoding.raw_pictures(looked)?;
        for ((case, text), image) in pairs.into_iter().zip(images) {
            if self.group.last() != Some(&case) {
                self.counts.cases += 1;
            }
            self.text.extend(text);
            self.image.extend(image);
            self.group.push(case);
            self.counts.pairs += 1;
        }
        Ok(())
    }

    fn write(&mut self, path: &Path, [text, image]: [String; 2]) -> Result<(), Failure> {
        let rows = self.group.len();
        if rows == 0 {
            let summary = "no case has both an image that can be read and a text";
            return Err(Failure::new("features", FailureKind::User, summary)
                .with_hint("import cases with images first"));
        }
        let matrix = |name: &str, values: &mut Vec<f32>| Named {
            name: name.to_owned(),
            shape: vec![rows, values.len() / rows],
            values: std::mem::take(values).into(),
        };
        let tensors = [
            matrix("text", &mut self.text),
            matrix("image", &mut self.image),
            Named {
                name: "group".to_owned(),
                shape: vec![rows],
                values: Numbers::I64(std::mem::take(&mut self.group)),
            },
        ];
        let metadata: BTreeMap<String, String> = [
            ("text_encoder".to_owned(), text),
            ("image_encoder".to_owned(), image),
        ]
        .into();
        let failed = |error: &std::io::Error| {
            Failure::of("features", FailureKind::User, error)
                .with_hint(format!("{} cannot be written", path.display()))
        };
        let part = path.with_extension("part");
        let mut file = BufWriter::new(File::create(&part).map_err(|error| failed(&error))?);
        write(&mut file, &tensors, &metadata).map_err(|error| failed(&error))?;
        std::fs::rename(&part, path).map_err(|error| failed(&error))
    }
}
