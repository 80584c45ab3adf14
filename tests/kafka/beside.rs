//! The two halves of the tests, side by side: most of what a test does is wait, and two clusters leave two cores idle.
//!
//! The second half is this process once more. Its words are printed when it has ended, so that they do not mix.

use std::{
    env,
    fs::File,
    io::{self, Seek},
    process::{Child, Command, Stdio},
};

use anyhow::Result;
use libtest_mimic::Arguments;
use rustix::process::{Signal, set_parent_process_death_signal};

const SECOND: &str = "PILLION_TESTS_SECOND_HALF";

/// This process was started to play the second half. It ends when the first one is killed.
pub fn is_second() -> bool {
    let second = env::var_os(SECOND).is_some();
    if second {
        set_parent_process_death_signal(Some(Signal::TERM)).expect("a signal that there is");
    }
    second
}

/// Nobody chose some of the tests.
pub fn is_all(arguments: &Arguments) -> bool {
    arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list && !arguments.ignored
}

/// The second half, under way.
pub struct Second {
    child: Child,
    words: File,
}

/// Starts the second half.
pub fn start() -> Result<Second> {
    let words = tempfile::tempfile()?;
    let child = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(SECOND, "1")
        .stdin(Stdio::null())
        .stdout(words.try_clone()?)
        .stderr(words.try_clone()?)
        .spawn()?;
    println!("the second half plays beside this one, and what it says is told after it");
    Ok(Second { child, words })
}

impl Second {
    /// Waits for its end, prints what it said, and tells whether it failed.
    pub fn end(mut self) -> Result<bool> {
        println!("waiting for the second half");
        let status = self.child.wait()?;
        self.words.rewind()?;
        io::copy(&mut self.words, &mut io::stdout())?;
        Ok(!status.success())
    }
}
