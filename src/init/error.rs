//! How an init run ends when it does not end well.

use std::fmt;

use crate::{files::DiskError, problem::Problem};

/// The exit code: an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 1: a write failed.
    Failed,
    /// 64: something a person has to correct; nothing was written.
    Usage,
    /// 69: the cluster cannot be asked; nothing was written.
    Unavailable,
    /// 75: another run holds the lock.
    TryLater,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 64,
            Self::Unavailable => 69,
            Self::TryLater => 75,
        }
    }
}

/// Why a run stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitError {
    /// The exit code.
    pub exit: Exit,
    /// Every reason, at least one.
    pub problems: Vec<Problem>,
}

impl InitError {
    /// Mistakes a person has to correct.
    pub fn usage(problems: Vec<Problem>) -> Self {
        Self { exit: Exit::Usage, problems }
    }

    /// One reason.
    pub fn one(exit: Exit, problem: Problem) -> Self {
        Self { exit, problems: vec![problem] }
    }
}

impl From<DiskError> for InitError {
    fn from(error: DiskError) -> Self {
        let remedy = "check that the volume has room and that the user that runs pillion may write there; what \
                      stood there before is untouched";
        let what = format!("failed to {} it: {}", error.what, error.source);
        Self::one(Exit::Failed, Problem::new(error.path.display().to_string(), what, remedy))
    }
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            let gap = if i == 0 { "" } else { "\n" };
            write!(f, "{gap}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InitError {}
