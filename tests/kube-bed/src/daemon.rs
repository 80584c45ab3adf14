//! A program of the bed that runs until it is stopped, and can be started again.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::places;

/// How long a daemon has to end by itself.
const GRACE: Duration = Duration::from_secs(10);
/// How often one that is kept is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Ends with its owner.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    program: PathBuf,
    arguments: Vec<OsString>,
    child: Mutex<Option<Child>>,
}

impl Daemon {
    /// Not started yet. Its log is `name`.log among the [`places::logs`].
    pub fn new(name: &str, program: impl AsRef<Path>) -> Self {
        let (name, program) = (name.to_owned(), program.as_ref().to_owned());
        Self { name, program, arguments: Vec::new(), child: Mutex::new(None) }
    }

    /// Adds arguments: `line` is split at blanks.
    #[must_use]
    pub fn args(mut self, line: &str) -> Self {
        self.arguments.extend(line.split_whitespace().map(OsString::from));
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it wrote, over all of its lives.
    pub fn log(&self) -> PathBuf {
        places::logs().join(format!("{}.log", self.name))
    }

    /// Starts it, if it does not run.
    pub fn start(&self) -> Result<()> {
        let mut child = self.lock();
        if let Some(running) = child.as_mut()
            && running.try_wait()?.is_none()
        {
            return Ok(());
        }
        *child = Some(self.spawn()?);
        Ok(())
    }

    /// As the kubelet does for a daemon of a real control plane: when it ends by itself, it is started again, and that is
    /// told. When a test stopped it, it is not.
    pub(crate) fn keep(self: &Arc<Self>) {
        let kept = Arc::downgrade(self);
        thread::spawn(move || {
            while let Some(daemon) = kept.upgrade() {
                if let Err(error) = daemon.revive() {
                    eprintln!("{} is not started again: {error:#}", daemon.name);
                }
                drop(daemon);
                thread::sleep(LOOK);
            }
        });
    }

    fn revive(&self) -> Result<()> {
        let mut child = self.lock();
        let Some(running) = child.as_mut() else { return Ok(()) };
        if let Some(status) = running.try_wait()? {
            println!(
                "{} ended by itself ({status}) and is started again: {}",
                self.name,
                self.log().display()
            );
            *child = Some(self.spawn()?);
        }
        Ok(())
    }

    fn spawn(&self) -> Result<Child> {
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let errors: File = log.try_clone()?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(log).stderr(errors);
        command.spawn().with_context(|| format!("failed to start {}", self.program.display()))
    }

    /// An error with its last words when it has ended by itself.
    pub fn alive(&self) -> Result<()> {
        let mut child = self.lock();
        let running = child.as_mut().with_context(|| format!("{} is not started", self.name))?;
        if let Some(status) = running.try_wait()? {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            let last: Vec<_> = log.lines().rev().take(5).collect();
            bail!("{} ended ({status}); its last words, newest first: {last:#?}", self.name);
        }
        Ok(())
    }

    /// SIGTERM, then SIGKILL when it does not end in time.
    pub fn stop(&self) -> Result<()> {
        self.end(Signal::TERM)
    }

    /// SIGKILL.
    pub fn kill(&self) -> Result<()> {
        self.end(Signal::KILL)
    }

    /// SIGSTOP: it keeps its connections, and answers nothing.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// SIGCONT.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Stops it and starts it again.
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        self.start()
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.lock().as_ref().map(Child::id)
    }

    fn end(&self, signal: Signal) -> Result<()> {
        let mut child = self.lock();
        let Some(mut running) = child.take() else { return Ok(()) };
        if running.try_wait()?.is_some() {
            return Ok(());
        }
        let pid = Pid::from_child(&running);
        kill_process(pid, signal)?;
        kill_process(pid, Signal::CONT)?;
        let started = Instant::now();
        while running.try_wait()?.is_none() {
            if started.elapsed() > GRACE {
                running.kill()?;
                running.wait()?;
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.lock();
        let running = child.as_ref().with_context(|| format!("{} does not run", self.name))?;
        kill_process(Pid::from_child(running), signal)
            .with_context(|| format!("failed to signal {}", self.name))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("{} was not stopped: {error:#}", self.name);
        }
    }
}
