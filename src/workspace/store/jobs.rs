//! Jobs as they are remembered. A job whose process is gone was interrupted.

use rusqlite::params;
use semihv_domain::{Job, JobId, JobKind, JobProgress, JobState, UnixSeconds};

use super::{Store, StoreError};

impl Store {
    pub fn add_job(
        &self,
        kind: JobKind,
        command: &str,
        now: UnixSeconds,
    ) -> Result<Job, StoreError> {
        let job = Job {
            id: JobId(0),
            kind,
            command: command.to_owned(),
            state: JobState::Running,
            progress: JobProgress::default(),
            started: now,
            ended: None,
        };
        let sql = "INSERT INTO jobs (kind, command, state, progress, started, process,
            process_started) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let process = std::process::id();
        self.connection.execute(
            sql,
            params![
                kind.name(),
                command,
                serde_json::to_string(&job.state)?,
                serde_json::to_string(&job.progress)?,
                now,
                process,
                process_identity(process).unwrap_or_default()
            ],
        )?;
        Ok(Job {
            id: JobId(self.connection.last_insert_rowid()),
            ..job
        })
    }

    pub fn update_job(&self, job: &Job) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE jobs SET state = ?2, progress = ?3, ended = ?4 WHERE id = ?1")?
            .execute(params![
                job.id.0,
                serde_json::to_string(&job.state)?,
                serde_json::to_string(&job.progress)?,
                job.ended
            ])?;
        Ok(())
    }

    /// Newest first, at most two hundred.
    pub fn jobs(&self) -> Result<Vec<Job>, StoreError> {
        let sql = "SELECT id, kind, command, state, progress, started, ended, process,
            process_started FROM jobs ORDER BY id DESC LIMIT 200";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        let mut jobs = Vec::new();
        while let Some(row) = rows.next()? {
            let kind: String = row.get(1)?;
            let state: String = row.get(3)?;
            let progress: String = row.get(4)?;
            let mut job = Job {
                id: JobId(row.get(0)?),
                kind: serde_json::from_value(serde_json::Value::String(kind))?,
                command: row.get(2)?,
                state: serde_json::from_str(&state)?,
                progress: serde_json::from_str(&progress)?,
                started: row.get(5)?,
                ended: row.get(6)?,
            };
            let identity: String = row.get(8)?;
            if !job.state.is_over() && !is_alive(row.get(7)?, &identity) {
                job.state = JobState::Interrupted;
            }
            jobs.push(job);
        }
        Ok(jobs)
    }
}

/// The boot and the start time of a process: a number alone is given again to somebody else.
/// A process on another host (a shared disk) has another boot id, and cannot be asked.
fn process_identity(process: u32) -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The command's name stands in parentheses and may hold blanks; the start time is field 22.
    let started = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?;
    Some(format!("{} {started}", boot.trim()))
}

fn is_alive(process: u32, identity: &str) -> bool {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let is_here = identity.starts_with(boot.trim());
    // Another host's job is believed: nothing here can tell.
    !is_here || process_identity(process).is_some_and(|found| found == identity)
}
