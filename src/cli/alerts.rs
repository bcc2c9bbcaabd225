//! `alerts`: what is wrong with runs, looked for now and told once.

use semihv_domain::printable_line;
use semihv_engine::{Engine, KnownAlert};

use crate::output::{Output, VerbError};

pub(crate) fn alerts(
    engine: &Engine,
    (all, seen): (bool, bool),
    output: &mut Output,
) -> Result<(), VerbError> {
    engine.look_at_hosts()?;
    engine.look_for_alerts();
    let mut known = engine.alerts()?;
    known.retain(|known| all || !known.is_seen);
    if output.is_json() {
        known.iter().try_for_each(|known| output.json(known))?;
    } else if known.is_empty() {
        output.line("no alerts")?;
    } else {
        let lines = known.iter().map(line);
        lines.into_iter().try_for_each(|line| output.line(&line))?;
    }
    // What was not printed was not seen.
    output.finish()?;
    if seen {
        engine.see_alerts(None)?;
    }
    Ok(())
}

/// `! RUN  loss is NaN at step 7  line 8`.
fn line(known: &KnownAlert) -> String {
    let KnownAlert { alert, is_seen } = known;
    let line = alert.line.map(|line| format!("  line {line}"));
    let seen = if *is_seen { "  seen" } else { "" };
    let words = format!(
        "! {}  {}{}{seen}",
        alert.run,
        alert.words,
        line.unwrap_or_default()
    );
    printable_line(&words).into_owned()
}
