//! Exit codes: an interface, as stable as the words of the commands.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Yes, or done.
    Yes = 0,
    /// No (a probe's negative answer), or failed.
    No = 1,
    /// The configuration or the arguments are wrong (`EX_USAGE`).
    BadConfig = 64,
    /// Something that is depended on cannot be reached (`EX_UNAVAILABLE`).
    Unavailable = 69,
    /// Try again later: a lock is held (`EX_TEMPFAIL`).
    TryAgain = 75,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The codes in one line.
pub const HELP: &str = "Exit codes: 0 yes or done; 1 no or failed; 64 bad configuration or arguments; \
69 something depended on cannot be reached; 75 try again later. `probe` answers 0 or 1 only.";

/// The codes and first steps.
pub const LONG_HELP: &str = "\
Examples:
  pillion status                                  what an on-call reads first
  pillion probe ready                             exit 0 if this broker is ready, else 1
  pillion override ready --for 30m --reason X     force readiness for half an hour

Exit codes:
  0   yes, or done
  1   no (a probe's negative answer), or failed
  64  bad configuration or arguments
  69  something depended on cannot be reached
  75  try again later: a lock is held
`probe` answers 0 or 1 only, and `probe live` answers 1 only on an explicit \"dead\".

Environment:
  PILLION_ADDRESS     where the agent answers (127.0.0.1:9440)
  PILLION_RUN_DIR     the run directory (/run/pillion)
  PILLION_LOG         log filter (info); PILLION_LOG_FORMAT=json for machines";
