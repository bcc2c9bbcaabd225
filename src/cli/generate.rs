//! `generate`: man page, shell completions, the table of keys.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;
use semihv_domain::{Failure, FailureKind};

use crate::args::{Arguments, Generated};
use crate::output::{Output, VerbError};

pub(crate) fn generate(
    what: Generated,
    shell: Option<Shell>,
    keys_markdown: fn() -> String,
    output: &mut Output,
) -> Result<(), VerbError> {
    let mut command = Arguments::command();
    match what {
        Generated::Man => clap_mangen::Man::new(command).render(output.raw())?,
        Generated::Keys => output.raw().write_all(keys_markdown().as_bytes())?,
        Generated::Completions => {
            let shell = shell.or_else(Shell::from_env).ok_or_else(|| {
                Failure::new(
                    "generate",
                    FailureKind::User,
                    "which shell? $SHELL does not say",
                )
                .with_hint("add --shell bash, zsh, fish, elvish or powershell")
            })?;
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, "semihv", &mut script);
            output.raw().write_all(&script)?;
        }
    }
    Ok(())
}
