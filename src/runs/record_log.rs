//! Event files that are followed: whole records are read, a torn end waits.

use std::path::{Path, PathBuf};

use crate::followed_log::{Reading, Said};
use crate::log_file::{ReadLogError, modified, open, read_fully};
use crate::metrics::{MetricReader, RecordFile, RecordRead};

const BLOCK: usize = 1 << 20;

/// Where the reading stands.
#[derive(Debug)]
pub(crate) struct RecordLog {
    path: PathBuf,
    file: RecordFile,
    /// Behind the last byte that was read.
    offset: u64,
    /// Read, and not a whole record yet.
    rest: Vec<u8>,
    records: u64,
    damaged: u64,
    exit: Option<i32>,
}

impl RecordLog {
    pub(crate) fn new(path: &Path, file: RecordFile) -> Self {
        Self {
            path: path.to_path_buf(),
            file,
            offset: 0,
            rest: Vec::new(),
            records: 0,
            damaged: 0,
            exit: None,
        }
    }

    /// Reads of what was appended `most` bytes or a little more. A file that was cut begins again.
    pub(crate) fn poll(
        &mut self,
        reader: &mut MetricReader,
        said: &mut Said,
        most: u64,
    ) -> Result<Reading, ReadLogError> {
        let (file, size) = open(&self.path)?;
        if size < self.offset {
            reader.start_over();
            *self = Self::new(&self.path, self.file.anew());
        }
        let start = self.offset;
        while self.offset < size.min(start.saturating_add(most)) {
            let mut block = vec![0; BLOCK];
            let read = read_fully(&file, &mut block, self.offset)
                .map_err(|source| ReadLogError::of(&self.path, source))?;
            if read == 0 {
                break;
            }
            block.truncate(read);
            self.offset += read as u64;
            self.rest.extend_from_slice(&block);
            self.take_records(reader);
        }
        said.lines = self.lines(reader);
        said.modified = modified(&file);
        Ok(Reading {
            done: self.offset,
            total: size,
            is_news: self.offset > start || start == 0,
        })
    }

    fn take_records(&mut self, reader: &mut MetricReader) {
        let mut used = 0;
        while let Some((length, read)) = self.file.next(self.rest.get(used..).unwrap_or_default()) {
            used += length;
            match read {
                RecordRead::Nothing => {}
                RecordRead::Damaged => self.damaged += 1,
                RecordRead::Exit(code) => self.exit = Some(code),
                RecordRead::Figures { step, figures } => {
                    reader.keep_all(step, self.records, &figures);
                    self.records += 1;
                }
            }
        }
        self.rest.drain(..used.min(self.rest.len()));
    }

    /// What stands where a log has its lines.
    fn lines(&self, reader: &MetricReader) -> Vec<String> {
        let figures = reader.series().views();
        let step = figures.iter().map(|series| series.last.step).max();
        let mut line = format!(
            "{}: {} records of {} figures",
            self.file.name(),
            self.records,
            figures.len()
        );
        line.extend(step.map(|step| format!(", up to step {step}")));
        line.extend(
            self.exit
                .map(|code| format!(", ended with exit code {code}")),
        );
        let mut lines = vec![line];
        if self.damaged > 0 {
            lines.push(format!(
                "{} records are damaged and were passed over",
                self.damaged
            ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use semihv_testkit::real_data;

    use semihv_domain::Metric;

    use crate::metrics::tests::figures;
    use crate::{FollowedLog, Place};

    fn read(log: &mut FollowedLog) -> (Vec<Metric>, Vec<String>) {
        log.read_all(&mut |_| true).unwrap();
        let window = log.window(Place::End, (10, 0)).unwrap();
        let lines = window.lines.into_iter().map(|line| line.text);
        (figures(log.series()), lines.collect())
    }

    /// Cut anywhere, all whole records are read, and the rest when it comes.
    #[test]
    fn torn_event_files_go_on_when_their_bytes_come() {
        let Some(data) = real_data() else { return };
        let logs = data.join("training_logs");
        for name in [
            "26_wandb_offline_with_history.wandb",
            "27_events.out.tfevents.new_style_tensor_scalars",
        ] {
            let whole = fs::read(logs.join(name)).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            fs::write(&path, &whole).unwrap();
            let expected = format!("{:?}", read(&mut FollowedLog::new(&path)).0);
            for cut in (12..whole.len()).step_by(whole.len() / 23) {
                fs::write(&path, &whole[..cut]).unwrap();
                let mut log = FollowedLog::new(&path);
                let (_, lines) = read(&mut log);
                assert!(!lines[0].contains("damaged"), "{name} {cut}");
                fs::write(&path, &whole).unwrap();
                let (second, lines) = read(&mut log);
                assert_eq!(format!("{second:?}"), expected, "{name} {cut}");
                assert_eq!(lines.len(), 1, "{name} {cut}");
            }
        }
    }

    #[test]
    fn a_damaged_record_costs_itself_alone() {
        let Some(data) = real_data() else { return };
        let logs = data.join("training_logs");
        let name = "27_events.out.tfevents.new_style_tensor_scalars";
        let mut bytes = fs::read(logs.join(name)).unwrap();
        let points = |bytes: &[u8]| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            fs::write(&path, bytes).unwrap();
            let (metrics, lines) = read(&mut FollowedLog::new(&path));
            let points = metrics.iter().map(|metric| metric.points.len());
            (points.sum::<usize>(), lines)
        };
        let (all, _) = points(&bytes);
        let middle = bytes.len() / 2;
        // Inside the bytes of some record, not of its length.
        let at = (middle..bytes.len()).find(|at| bytes[*at] == b'/').unwrap();
        bytes[at] ^= 1;
        let (fewer, lines) = points(&bytes);
        assert_eq!(fewer + 1, all, "{lines:?}");
        assert!(lines[1].contains("1 records are damaged"), "{lines:?}");
    }
}
